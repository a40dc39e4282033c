// A program run as a child, as a shell would run it: with its own arguments, environment, folder, input and limits; its
// output is kept, signals can be sent, and it never outlives its owner.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/base/instant.h"
#include "tests/support/temporary_folder.h"

namespace retort {

struct ProgramSetup {
  std::string executable;
  std::vector<std::string> arguments;
  std::string folder;                              ///< to run in
  std::map<std::string, std::string> environment;  ///< on top of the caller's own
  std::string input;                               ///< on standard input, which then ends
  int output_descriptor = -1;                      ///< where standard output goes, if it is not to be kept
  std::optional<std::uint64_t> file_bytes_max;     ///< no file may grow beyond: writing there fails with EFBIG
  std::optional<std::uint64_t> descriptors_max;    ///< as `ulimit -n`
  std::optional<std::uint64_t> address_bytes_max;  ///< as `ulimit -v`
};

struct ProgramEnd {
  int code = 0;  ///< exit status; the negative number of the signal that killed it
  bool timed_out = false;
  std::string out, err;
  std::int64_t peak_memory_kib = 0;
  Duration cpu{};  ///< that it used
};

/// Throws std::runtime_error if it cannot be started. Used by one thread.
class Program {
 public:
  explicit Program(const ProgramSetup& setup);
  ~Program();  ///< kills it, if it still runs
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  pid_t pid() const { return pid_; }
  std::string out() const;  ///< so far
  std::string err() const;
  void send(int signal) const;
  bool running();
  /// Waits for its end; one that takes longer is killed.
  ProgramEnd wait(Duration most = std::chrono::seconds(60));

 private:
  bool reap(int options);

  TemporaryFolder files_;
  pid_t pid_ = -1;
  bool ended_ = false;
  ProgramEnd end_;
};

/// Looks again and again whether `condition` holds; false if it does not within `most`.
bool eventually(const std::function<bool()>& condition, Duration most = std::chrono::seconds(30));

}  // namespace retort
