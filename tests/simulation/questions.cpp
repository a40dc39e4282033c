#include "tests/simulation/questions.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "core/base/random.h"
#include "tests/simulation/sim_teacher.h"

namespace retort::simulation {
namespace {

std::int64_t length(std::uint64_t seed, double median, double sigma, double most) {
  if (sigma <= 0) return static_cast<std::int64_t>(median);
  Random random(seed);
  return static_cast<std::int64_t>(std::clamp(std::round(log_normal(random, median, sigma)), 1.0, most));
}

}  // namespace

std::int64_t Questions::prompt_tokens(std::int64_t number) const {
  return length(seed_ * 31 + static_cast<std::uint64_t>(number) * 2, lengths_.prompt_median, lengths_.prompt_sigma,
                lengths_.most);
}

std::int64_t Questions::answer_tokens(std::int64_t number) const {
  return length(seed_ * 31 + static_cast<std::uint64_t>(number) * 2 + 1, lengths_.answer_median, lengths_.answer_sigma,
                lengths_.most);
}

std::string Questions::text(std::int64_t number) const {
  std::string text = "q" + std::to_string(number);
  const auto bytes = static_cast<std::size_t>(prompt_tokens(number)) * kBytesPerToken;
  if (text.size() < bytes) text.resize(bytes, '.');
  return text;
}

std::int64_t Questions::number_in(std::string_view body) {
  constexpr std::string_view kBefore = "\"content\":\"q";
  const std::size_t found = body.find(kBefore);
  std::int64_t number = 0;
  if (found != std::string_view::npos) {
    const char* const digits = body.data() + found + kBefore.size();
    std::from_chars(digits, body.data() + body.size(), number);
  }
  return number;
}

}  // namespace retort::simulation
