// A program run as a child with pipes to its standard streams: what sandbox and line program are made of.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"

namespace retort {

/// An owned file descriptor, or none (-1).
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(other.number_) { other.number_ = -1; }
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor() { close(); }

  int number() const { return number_; }
  bool open() const { return number_ >= 0; }
  void close();

 private:
  int number_ = -1;
};

struct ChildSetup {
  std::vector<std::string> command;  ///< the first is looked up on the path
  std::vector<int> inherited;        ///< descriptors it gets under the same numbers, beside 0, 1 and 2
  bool never_root = false;           ///< if we are root, it runs as nobody
};

/// In a process group of its own, which dies with its owner. Its pipes do not block.
class Child {
 public:
  /// Errc::usage if there is no such program.
  static Result<Child> start(const ChildSetup& setup);
  Child(Child&& other) noexcept;
  Child& operator=(Child&&) = delete;
  ~Child();

  pid_t pid() const { return pid_; }
  Descriptor& in() { return in_; }
  Descriptor& out() { return out_; }
  Descriptor& err() { return err_; }

  /// Ends the whole group, at once. It still has to be reaped.
  void kill();
  /// True once it ended; its status is then there. Does not wait, unless told to.
  bool reap(bool wait = false);
  int status() const { return status_; }  ///< as waitpid gives it

 private:
  Child() = default;

  pid_t pid_ = -1;
  bool ended_ = false;
  int status_ = 0;
  Descriptor in_, out_, err_;
};

/// Reads what is there, up to `most` bytes in `kept`. False at the end of the stream.
bool drain(const Descriptor& from, std::string& kept, std::size_t most, bool* over);

/// A file in memory with this content, at its beginning; closed in children unless inherited.
Result<Descriptor> memory_file(const std::string& content);

/// write(2) to a pipe whose reader may be gone: then it fails with EPIPE and raises no signal, whatever SIGPIPE is set
/// to.
ssize_t write_without_signal(const Descriptor& to, std::string_view text);

}  // namespace retort
