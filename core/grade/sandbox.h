// The port to a place where a stranger's program can do no harm. Core knows no processes; core/process has them.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "core/base/instant.h"
#include "core/base/result.h"

namespace retort {

struct SandboxLimits {
  Duration wall = std::chrono::seconds(10);
  Duration cpu = std::chrono::seconds(10);
  std::uint64_t memory_bytes = 512ULL << 20;  ///< of each process (address space), and of all together (resident)
  std::uint64_t file_bytes = 16ULL << 20;     ///< of the largest file, and of all files together
  std::uint64_t output_bytes = 64ULL << 10;   ///< of standard output and error each; more ends it
  int processes = 32;                         ///< and threads, at once
};

struct SandboxJob {
  std::vector<std::string> command;          ///< found on the path of the sandbox: /usr/bin:/bin
  std::map<std::string, std::string> files;  ///< name (no folders) → content, in the folder it runs in
  std::string input;                         ///< on standard input
  SandboxLimits limits;
};

struct SandboxEnd {
  enum class Why { exited, signalled, out_of_time, out_of_memory, too_much_output };
  Why why = Why::exited;
  int code = 0;  ///< exit status, or the signal
  std::string out, err;
  Duration wall{};
};

/// No network, a read-only root, files in memory only, limits; nothing of it is left afterwards.
class Sandbox {
 public:
  virtual ~Sandbox() = default;
  /// Runs all jobs, several at once, and waits for their ends; in order. Errc::usage says what to install or allow when
  /// nothing can be sandboxed here; Errc::interrupted if the run was told to stop.
  virtual Result<std::vector<SandboxEnd>> run(std::span<const SandboxJob> jobs) = 0;
  /// What kind of place it is, for digests: "bubblewrap".
  virtual std::string kind() const = 0;
};

}  // namespace retort
