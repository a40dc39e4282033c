// Is this answer right? One port for everything that can say so: curation labels with it, evaluation counts with it,
// reinforcement learning rewards with it.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/json.h"
#include "core/base/result.h"

namespace retort {

/// What a grader says about one answer.
struct Grade {
  enum class Kind {
    right,
    wrong,
    ungradable,  ///< nothing to say: no reference, a reference that this grader cannot read, a check that failed itself
  };
  Kind kind = Kind::ungradable;
  double score = 0;       ///< 1 right, 0 wrong; graders that give part marks say how much, from 0 to 1
  std::string reason;     ///< one line for people: what was compared with what
  std::string extracted;  ///< the final answer found in the text; may be empty
  bool asked = true;      ///< false: whoever judges could not be asked about it; another time may do better
};

/// "right", "wrong", "ungradable": as labels store it.
std::string_view grade_word(Grade::Kind kind);

/// One answer with what it is judged by. Refers to texts and values of the caller, who keeps them for the call.
struct GradeInput {
  const Json* messages = nullptr;  ///< of the prompt; may be null
  std::string_view answer;         ///< the final text, without the reasoning
  std::string_view reasoning;      ///
  std::string_view reference;      ///< the known right answer; may be empty
  const Json* metadata = nullptr;  ///< the prompt's other fields; may be null
};

class Grader {
 public:
  virtual ~Grader() = default;
  /// One verdict for each input, in order. Blocks while a program is asked; pure graders only compute. An Error means
  /// that the grader itself is of no more use (its command died, the sandbox cannot run), never that an answer is
  /// wrong. Called by one thread at a time, unless pure().
  virtual Result<std::vector<Grade>> grade_all(std::span<const GradeInput> inputs) = 0;
  /// Depends on the input alone, waits for nothing, never fails, and may be called by many threads at once.
  virtual bool pure() const = 0;
  /// Of kind, settings and version: equal digests give equal verdicts, so labels are cached under it.
  virtual std::string digest() const = 0;
};

/// A grader that is a function of its input.
class PureGrader : public Grader {
 public:
  virtual Grade grade(const GradeInput& input) const = 0;
  Result<std::vector<Grade>> grade_all(std::span<const GradeInput> inputs) final;
  bool pure() const final { return true; }
};

}  // namespace retort
