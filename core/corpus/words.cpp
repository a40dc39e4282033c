#include "core/corpus/words.h"

#include <array>
#include <cstddef>

#include "core/base/assert.h"

namespace retort {
namespace {

// In the order of the enumerators.
constexpr std::array<std::string_view, 3> kStatus{"pending", "answered", "failed"};
constexpr std::array<std::string_view, 9> kOutcome{"unsent",  "sent",      "answered",  "refused",         "failed",
                                                   "network", "timed_out", "cancelled", "delivery_unknown"};
constexpr std::array<std::string_view, 7> kFinish{"stop",       "length", "content_filter", "refusal",
                                                  "tool_calls", "error",  "other"};

template <class Enum, std::size_t N>
std::string_view word_of(const std::array<std::string_view, N>& words, Enum value) {
  const auto index = static_cast<std::size_t>(value);
  RETORT_ASSERT(index < N);
  return words[index];
}

template <class Enum, std::size_t N>
Enum value_of(const std::array<std::string_view, N>& words, std::string_view word, Enum otherwise) {
  for (std::size_t i = 0; i < N; ++i) {
    if (words[i] == word) return static_cast<Enum>(i);
  }
  return otherwise;
}

}  // namespace

std::string_view word(RequestStatus status) { return word_of(kStatus, status); }
std::string_view word(AttemptOutcome outcome) { return word_of(kOutcome, outcome); }
std::string_view word(Finish finish) { return word_of(kFinish, finish); }

RequestStatus request_status_of(std::string_view word) { return value_of(kStatus, word, RequestStatus::pending); }
Finish finish_of(std::string_view word) { return value_of(kFinish, word, Finish::other); }

}  // namespace retort
