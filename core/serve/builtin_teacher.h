// The port behind the server: whoever can answer a chat can be served. The arithmetic teacher is the first; a trained
// student becomes another.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "core/serve/openai_protocol.h"

namespace retort {

class BuiltinTeacher {
 public:
  virtual ~BuiltinTeacher() = default;
  /// The name under which it is asked and listed.
  virtual std::string model() const = 0;
  /// One sample. Called from many threads at once. The same request and seed give the same answer.
  virtual TaughtAnswer answer(const ChatRequest& request, std::uint64_t seed) const = 0;
};

/// The rules of core/serve/arithmetic.h under the model name "arithmetic".
std::shared_ptr<BuiltinTeacher> make_arithmetic_teacher();

/// Answers all n samples (sample i with seed + i), cuts each at max_tokens and counts tokens. `number` makes the id.
ChatAnswer teach(const BuiltinTeacher& teacher, const ChatRequest& request, std::uint64_t default_seed,
                 std::uint64_t number, std::int64_t created_seconds);

}  // namespace retort
