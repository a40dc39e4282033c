// What a pipeline is made of. A row stage judges one pair, from the pair alone: its labels are kept in the corpus and
// never made twice. A set stage chooses among many, from a sketch of each.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/base/json.h"
#include "core/base/result.h"
#include "core/corpus/records.h"
#include "core/curate/audit/audit.h"

namespace retort {

class RowStage {
 public:
  virtual ~RowStage() = default;
  virtual std::string name() const = 0;
  /// All that shapes a label, versions included; not what is dropped because of it.
  virtual Json settings() const = 0;
  /// If false, judge() is called by one thread at a time.
  virtual bool pure() const { return true; }
  /// One label a pair, in order. An Error ends the pipeline; labels made before stay.
  virtual Result<std::vector<Label>> judge(std::span<const Pair* const> pairs) = 0;
  /// A short reason to drop a pair with that label, the same words each time; empty: it stays.
  virtual std::string drop(const Pair& pair, const Label& label) const = 0;
  /// Whether the label stays for the next time. If not, its pair is judged again then.
  virtual bool keeps(const Label&) const { return true; }
  /// Whether "right" and "wrong" of this stage count as the pass rate of the prompt.
  virtual bool verifies() const { return false; }
  /// Whether what it drops was declined by the teacher: no further answer is wanted because of it.
  virtual bool finds_refusals() const { return false; }

  /// SHA-256 of name and settings: the key of labels.
  std::string digest() const;
};

/// How a prompt's answers were graded, over all that reached the stage that verifies.
struct PromptTally {
  std::int32_t right = 0, wrong = 0;
  bool refused = false;
};

/// What set stages know of every pair.
struct Member {
  RowId response = 0;
  RowId prompt = 0;
  std::int64_t tokens = 0;   ///< of the answer, reasoning included; a quarter of its bytes if the teacher did not say
  std::string_view content;  ///< its content digest, 64 hexadecimal digits
  std::string_view sketch;   ///< as this stage drew it
  PromptTally tally;
};

struct SetDrop {
  std::size_t position = 0;  ///< in the list of members
  std::string reason;        ///< short, the same words each time
  std::string detail;        ///< for people; may be empty
};

class SetStage {
 public:
  virtual ~SetStage() = default;
  virtual std::string name() const = 0;
  virtual Json settings() const = 0;
  /// What choose() needs of one pair; may be empty. Called by many threads at once.
  virtual std::string sketch(const Pair& pair) const = 0;
  /// What is dropped, in any order, each position once. Members ascend by response. Depends on the members alone.
  virtual std::vector<SetDrop> choose(std::span<const Member> members, int threads) const = 0;
  /// What stands in the way of a choice among these, in one line; empty: nothing. Asked before choose().
  virtual std::string obstacle(std::span<const Member>) const { return {}; }
};

}  // namespace retort
