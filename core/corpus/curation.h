// What curation remembers, as plain values, and the port that writes it: what stages said about responses, which pairs
// a view holds, and how many more answers prompts deserve. docs/corpus.md has the same words.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/corpus/records.h"

namespace retort {

/// What a stage is: equal digests label alike.
struct StageRecord {
  std::string digest;
  std::string name;
  Json settings;
};

/// What a stage said about a response. `input` is a digest of everything that was judged: a mended reference or an
/// answer decoded anew has another one, and is judged again.
struct StoredLabel {
  RowId response = 0;
  std::string input;
  std::string value;            ///< a word
  std::optional<double> score;  ///
  std::string reason;           ///< one line for people; may be empty
};

/// One place in a view.
struct ViewEntry {
  RowId response = 0;
  RowId rejected = 0;  ///< of a preference view: the response of the same prompt that was not preferred; else 0
  std::string part;    ///< "train", "validation" or "test"
};

struct ViewDrop {
  RowId response = 0;
  std::string stage;
  std::string reason;
};

/// A view that is there as a whole. Views of one name are kept; the newest counts.
struct ViewRecord {
  RowId id = 0;
  std::string name;
  Json recipe;
  Json funnel;
  std::string digest;   ///< of recipe and content, see core/curate/pipeline/recipe.h
  RowId frozen_at = 0;  ///< no later response was looked at
  std::int64_t pairs = 0;
  std::map<std::string, std::int64_t> parts;
  std::string made_at;  ///< as the corpus writes times
};

/// A place of a view with what stands there. Of a forgotten pair only ids, cost and terms are left.
struct ViewPair {
  std::int64_t position = 0;  ///< from 1
  std::string part;
  Pair pair;
  std::optional<Pair> rejected;
  bool forgotten = false;
  RowId tombstone = 0;                    ///< of forgotten pairs: the first one that covers a part of it
  std::string content, rejected_content;  ///< of forgotten pairs: their content digests, as their tombstones keep them
};

/// What a stage said, counted: which pairs, and by which fields of their metadata apart.
struct LabelsWanted {
  std::string stage;                       ///< its digest
  RowId frozen_at = 0;                     ///< no later response
  RowId view = 0;                          ///< of the pairs of that stored view; 0: of `all`
  std::array<std::string, 2> fields = {};  ///< fields of the metadata; empty: none
};

struct LabelCount {
  TeacherIdentity teacher;
  std::array<std::string, 2> values;  ///< of the fields; empty where the prompt has none
  std::string label;                  ///< empty: the stage looked and found nothing
  std::int64_t pairs = 0;
  RowId example = 0;   ///< the oldest
  std::string reason;  ///< of the example
};

/// How many more answers a prompt deserves, and why.
struct Want {
  RowId prompt = 0;
  int samples = 0;      ///< in all, those there already included
  double priority = 0;  ///< the chance that another one is right; higher is asked first
  std::string reason;
};

/// A prompt that deserves more answers, with what asking needs.
struct WantedPrompt {
  Want want;
  PromptRow row;  ///< as its newest source row has it
  struct Asked {
    std::string digest;  ///< of the request
    int sample = 0;
  };
  std::vector<Asked> asked;  ///< all requests of it that are on record
};

/// A prompt that a teacher made: of which answer, how, and from which others.
struct MadePrompt {
  std::string digest;                     ///< SHA-256 of its text
  RowId response = 0;                     ///< the answer in which it stands
  std::string method;                     ///< "self-instruct", …
  std::vector<std::string> parents = {};  ///< digests of the prompts that were shown to the teacher
};

/// Whose output a prompt is.
struct Maker {
  MadePrompt made;
  TeacherIdentity teacher;
  std::string served_model;
  Terms rights;  ///< as they hold now
  Usd cost;      ///< of that answer
  std::string obtained_at;
};

/// Writes what curation finds, beside a running harvest: every call is one short transaction of its own, durable when
/// it returns. Used by one thread.
class CurationLog {
 public:
  virtual ~CurationLog() = default;

  /// The id of that stage, added if it is new.
  virtual Result<RowId> stage(const StageRecord& stage) = 0;
  /// What it said about responses first to last, ascending.
  virtual Result<std::vector<StoredLabel>> labels(RowId stage, RowId first, RowId last) = 0;
  /// Labels of several stages; the newest for a response counts.
  virtual Result<void> put(std::span<const std::pair<RowId, StoredLabel>> labels) = 0;

  /// Begins a view that nobody sees until end_view().
  virtual Result<RowId> begin_view(const ViewRecord& view) = 0;
  virtual Result<void> add(RowId view, std::int64_t first_position, std::span<const ViewEntry> entries) = 0;
  virtual Result<void> add(RowId view, std::span<const ViewDrop> drops) = 0;
  /// The view is there.
  virtual Result<void> end_view(RowId view, const ViewRecord& record) = 0;

  /// What was begun and not ended goes; begin_view() sees to it as well.
  virtual Result<void> clear_unfinished_views() = 0;

  /// Replaces all wants.
  virtual Result<void> put(std::span<const Want> wants) = 0;

  /// Adds what is not there yet.
  virtual Result<void> put(std::span<const MadePrompt> made) = 0;

  /// Ends the run.
  virtual Result<void> close(const RunEnd& end) = 0;
};

}  // namespace retort
