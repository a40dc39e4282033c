// The port to a user's own command that is kept running: a line in, a line out. Core knows no processes; core/process
// has them.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/base/instant.h"
#include "core/base/result.h"

namespace retort {

/// Used by one thread. Its end ends the program.
class LineProgram {
 public:
  virtual ~LineProgram() = default;
  /// Sends all lines (without their feeds) and reads as many replies, in order; sending and reading go on at once, so
  /// that neither side can block the other. Fails, after which nothing more can be asked, if a reply takes longer than
  /// `timeout` after the one before it, if the program ends first, or if a reply is longer than 1 MiB; the message is
  /// one line and has the program's last words on stderr. Errc::interrupted if the run was told to stop.
  virtual Result<std::vector<std::string>> exchange(const std::vector<std::string>& lines, Duration timeout) = 0;
};

/// Starts `command` through /bin/sh. Errc::usage if it cannot be started.
using StartLineProgram = std::function<Result<std::unique_ptr<LineProgram>>(const std::string& command)>;

}  // namespace retort
