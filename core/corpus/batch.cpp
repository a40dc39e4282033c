#include "core/corpus/batch.h"

#include <array>

namespace retort {
namespace {

// In the order of the enumerators.
constexpr std::array<std::string_view, 5> kWords{"planned", "uploading", "creating", "submitted", "collected"};

}  // namespace

std::string_view word(BatchState state) { return kWords[static_cast<std::size_t>(state)]; }

BatchState batch_state_of(std::string_view word) {
  for (std::size_t i = 0; i < kWords.size(); ++i) {
    if (kWords[i] == word) return static_cast<BatchState>(i);
  }
  return BatchState::submitted;
}

}  // namespace retort
