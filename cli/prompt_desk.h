// Where the makers of prompts work: asks a teacher into a corpus, collects what was made with where it came from, puts
// that on record, and writes the prompts as rows for `retort harvest`.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cli/consulting.h"
#include "core/prompt/prompt_source.h"

namespace retort {

struct MakerFlags {
  AskingFlags asking;
  std::string corpus = "corpus.db", output = "-";
  std::vector<std::string> seeds;
  PromptSettings seed_settings;
  std::int64_t count = 0;  ///< 0: no bound
  std::uint64_t seed = 0;
  bool json = false;
};

/// A prompt to begin with: the last text of its user.
struct SeedPrompt {
  std::string text;
  Json made = nullptr;  ///< if a teacher made it: its row's own word
};
/// Errc::usage if a row cannot be used, or there is none.
Result<std::vector<SeedPrompt>> read_seeds(const MakerFlags& flags);

class PromptDesk {
 public:
  struct Question {
    Json messages;
    std::vector<std::string> shown;  ///< digests of the prompts that are in it
    int sample = 0;
  };

  static Result<std::unique_ptr<PromptDesk>> open(Edges& edges, const MakerFlags& flags, std::string method,
                                                  Json settings);

  Consultant& teacher() { return *teacher_; }

  /// Nothing for a question that failed for good. An Error ends the making; finish() still may be called.
  Result<std::vector<std::optional<KnownAnswer>>> ask(const std::vector<Question>& questions);

  /// False if there are enough already.
  bool add(std::string text, RowId response, std::vector<std::string> parents, const std::vector<Json>& parents_made);
  void drop(const std::string& reason) { ++dropped_[reason]; }
  std::int64_t made() const { return static_cast<std::int64_t>(lines_.size()); }
  bool enough() const { return flags_.count > 0 && made() >= flags_.count; }

  /// Records what was made, writes it, tells the sum. `stopped` is why the making ended, if it did not end by itself.
  Result<int> finish(const Result<void>& stopped);

 private:
  struct Line {
    MadePrompt made;
    std::string text;
    Json stated;  ///< what rows said of the makers of its parents
  };
  PromptDesk(Edges& edges, MakerFlags flags, std::string method)
      : edges_(edges), flags_(std::move(flags)), method_(std::move(method)) {}
  Result<void> record();
  Result<std::string> rows() const;

  Edges& edges_;
  MakerFlags flags_;
  std::string method_;
  std::unique_ptr<Consultant> teacher_;
  std::vector<Line> lines_;
  std::map<std::string, std::int64_t> dropped_;
  std::int64_t asked_ = 0, unanswered_ = 0;
};

}  // namespace retort
