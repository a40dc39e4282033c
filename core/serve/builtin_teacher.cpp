#include "core/serve/builtin_teacher.h"

#include "core/serve/arithmetic.h"

namespace retort {
namespace {

class ArithmeticTeacher final : public BuiltinTeacher {
 public:
  std::string model() const override { return "arithmetic"; }
  TaughtAnswer answer(const ChatRequest& request, std::uint64_t seed) const override {
    ArithmeticAnswer answer = answer_arithmetic(request.last_user_text, seed);
    return {std::move(answer.reasoning), std::move(answer.answer)};
  }
};

/// Takes what fits from `text` and says whether all of it did.
bool cut(std::string& text, Tokens& left) {
  const std::size_t bytes = bytes_of_tokens(text, left);
  left -= count_tokens(std::string_view(text).substr(0, bytes));
  const bool whole = bytes == text.size();
  text.resize(bytes);
  return whole;
}

}  // namespace

std::shared_ptr<BuiltinTeacher> make_arithmetic_teacher() { return std::make_shared<ArithmeticTeacher>(); }

ChatAnswer teach(const BuiltinTeacher& teacher, const ChatRequest& request, std::uint64_t default_seed,
                 std::uint64_t number, std::int64_t created_seconds) {
  ChatAnswer answer;
  answer.id = "chatcmpl-" + std::to_string(number);
  answer.model = teacher.model();
  answer.created_seconds = created_seconds;
  answer.prompt_tokens = request.prompt_tokens;
  for (int sample = 0; sample < request.samples; ++sample) {
    TaughtAnswer taught =
        teacher.answer(request, request.seed.value_or(default_seed) + static_cast<std::uint64_t>(sample));
    // As reasoning models do, the steps are paid from the same allowance and come first.
    Tokens left = request.max_tokens.value_or(Tokens{1} << 40);
    const Tokens allowed = left;
    const bool whole_reasoning = cut(taught.reasoning, left);
    answer.reasoning_tokens += allowed - left;
    const bool whole = cut(taught.text, left) && whole_reasoning;
    answer.completion_tokens += allowed - left;
    answer.choices.push_back({std::move(taught), whole ? "stop" : "length"});
  }
  return answer;
}

}  // namespace retort
