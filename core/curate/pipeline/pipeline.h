// The pairs of a corpus through an ordered list of stages, to the list of those that stay. The same list on any number
// of threads, after a stop midway, and twice: labels are read back instead of made again.
//
//   pipeline.add(make_refusal_stage());       // the teacher declined
//   pipeline.add(make_verify_stage(grader));  // the final answer is not the reference
//   pipeline.add(make_duplicate_stage());     // said before
//
// Memory: some 150 bytes a pair that stays, and what set stages remember of it; never its text.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "core/corpus/corpus.h"
#include "core/curate/pipeline/stage.h"

namespace retort {

class Pipeline {
 public:
  using Stage = std::variant<std::unique_ptr<RowStage>, std::unique_ptr<SetStage>>;
  void add(std::unique_ptr<RowStage> stage) { stages_.emplace_back(std::move(stage)); }
  void add(std::unique_ptr<SetStage> stage) { stages_.emplace_back(std::move(stage)); }
  std::vector<Stage>& stages() { return stages_; }

 private:
  std::vector<Stage> stages_;
};

struct PipelineSettings {
  RowId frozen_at = 0;      ///< no later response is looked at
  int threads = 1;          ///< besides the one that reads
  std::size_t batch = 64;   ///< pairs a task
  bool keep_wrong = false;  ///< remember what was dropped as wrong: the other half of preference pairs
  std::function<bool()> should_stop = [] { return false; };
  std::function<void(const std::string& stage, std::int64_t pairs)> progress = [](const std::string&, std::int64_t) {};
};

/// One stage's part of the funnel.
struct FunnelLine {
  std::string stage;
  std::int64_t in = 0, out = 0;
  std::map<std::string, std::int64_t> dropped;  ///< reason → pairs
  std::int64_t judged = 0, known = 0;           ///< labels made now, and found in the corpus
};

/// A pair that stays.
struct Survivor {
  RowId response = 0;
  RowId prompt = 0;
  std::array<char, 64> content{};  ///< content digest, hexadecimal
  std::int64_t tokens = 0;
  std::uint64_t prompt_hash = 0;  ///< of the messages: which part of a split

  std::string_view digest() const { return {content.data(), content.size()}; }
};

/// One graded answer, for what follows from pass rates.
struct Graded {
  RowId prompt = 0;
  std::int32_t sample = 0;
  bool right = false;
  Usd cost;
  std::uint64_t prompt_hash = 0;  ///< of the messages, as a Survivor has it
};

struct PipelineResult {
  std::vector<Survivor> kept;   ///< ascending by response
  std::vector<Survivor> wrong;  ///< what the stage that verifies dropped as wrong, if it is to be kept
  std::vector<FunnelLine> funnel;
  std::vector<Graded> graded;  ///< ascending by response
  std::unordered_map<RowId, PromptTally> tallies;
  std::int64_t pairs = 0;  ///< that went in
  Usd cost;                ///< of all that went in
};

/// The first 64 bits of a prompt's digest: how a pipeline knows it.
std::uint64_t prompt_hash_of(const std::string& digest);

/// Reads the view `all` in short steps. Drops go to `view` as they are found, labels to the log in small transactions.
/// Errc::interrupted once should_stop() says so: what was labelled stays.
Result<PipelineResult> run_pipeline(CorpusReader& reader, CurationLog& log, RowId view, Pipeline& pipeline,
                                    const PipelineSettings& settings);

/// The funnel as JSON: a list of {stage, in, dropped: {reason: pairs}, out}.
Json to_json(const std::vector<FunnelLine>& funnel);

}  // namespace retort
