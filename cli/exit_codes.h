// What the exit status means; docs/exit-codes.md says the same in prose, and a test compares them.
#pragma once

#include "core/base/result.h"

namespace retort {

inline constexpr int kExitComplete = 0;
inline constexpr int kExitSomeFailed = 3;  ///< finished, some rows failed

constexpr int exit_code_of(Errc code) {
  switch (code) {
    case Errc::internal:
      return 1;
    case Errc::usage:
      return 2;
    case Errc::partial:
      return kExitSomeFailed;
    case Errc::refused:
      return 4;
    case Errc::quota:
      return 5;
    case Errc::terms:
      return 6;
    case Errc::corpus:
      return 7;
    case Errc::disk:
      return 8;
    case Errc::interrupted:
      return 130;  // 143 after SIGTERM: interrupted_exit_code() knows which
  }
  return 1;
}

}  // namespace retort
