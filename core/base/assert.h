// A bug aborts loudly, in release builds too: a corpus written by a program that has
// lost its way is worth less than no corpus.
#pragma once

namespace retort {

[[noreturn]] void assertion_failed(const char* condition, const char* file, int line);

}  // namespace retort

#define RETORT_ASSERT(condition) \
  ((condition) ? static_cast<void>(0) : ::retort::assertion_failed(#condition, __FILE__, __LINE__))
