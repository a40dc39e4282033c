#include "core/process/child.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace retort {
namespace {

constexpr uid_t kNobody = 65534;
constexpr int kPipes = 4;  // in, out, err, and one that says why exec failed

struct Pipe {
  Descriptor read, write;
};

Result<Pipe> make_pipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0)
    return fail(Errc::usage, std::string("no pipe can be opened: ") + std::strerror(errno));
  return Pipe{Descriptor(ends[0]), Descriptor(ends[1])};
}

void set_nonblocking(const Descriptor& descriptor) {
  fcntl(descriptor.number(), F_SETFL, fcntl(descriptor.number(), F_GETFL) | O_NONBLOCK);
}

// In the child, between fork and exec: nothing but system calls.
[[noreturn]] void become(const ChildSetup& setup, char* const* arguments, const std::array<Pipe, kPipes>& pipes,
                         pid_t parent) {
  const auto give_up = [&] {
    const int why = errno;
    [[maybe_unused]] const ssize_t written = write(pipes[3].write.number(), &why, sizeof why);
    _exit(127);
  };
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(127);
  if (setup.never_root && geteuid() == 0) {
    // Limits on processes do not bind root.
    if (syscall(SYS_setgroups, 0, nullptr) != 0 || setresgid(kNobody, kNobody, kNobody) != 0 ||
        setresuid(kNobody, kNobody, kNobody) != 0)
      give_up();
    // Another user forgets whose death ends it, and the parent must still be able to end it.
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(127);
  }
  dup2(pipes[0].read.number(), 0);
  dup2(pipes[1].write.number(), 1);
  dup2(pipes[2].write.number(), 2);
  syscall(SYS_close_range, 3U, ~0U, static_cast<unsigned>(CLOSE_RANGE_CLOEXEC));
  for (const int descriptor : setup.inherited) fcntl(descriptor, F_SETFD, 0);
  for (const int ignored : {SIGPIPE, SIGINT, SIGTERM, SIGHUP}) signal(ignored, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  execvp(arguments[0], arguments);
  give_up();
  _exit(127);
}

}  // namespace

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  if (this != &other) {
    close();
    number_ = std::exchange(other.number_, -1);
  }
  return *this;
}

void Descriptor::close() {
  if (number_ >= 0) ::close(number_);
  number_ = -1;
}

Child::Child(Child&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      ended_(other.ended_),
      status_(other.status_),
      in_(std::move(other.in_)),
      out_(std::move(other.out_)),
      err_(std::move(other.err_)) {}

Child::~Child() {
  if (pid_ < 0 || ended_) return;
  kill();
  reap(true);
}

Result<Child> Child::start(const ChildSetup& setup) {
  std::vector<char*> arguments;
  for (const std::string& word : setup.command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  std::array<Pipe, kPipes> pipes;
  for (Pipe& one : pipes) {
    auto made = make_pipe();
    if (!made) return fail(made.error());
    one = std::move(*made);
  }
  const pid_t self = getpid();
  const pid_t pid = fork();
  if (pid < 0) return fail(Errc::usage, std::string("no process can be started: ") + std::strerror(errno));
  if (pid == 0) become(setup, arguments.data(), pipes, self);
  Child child;
  child.pid_ = pid;
  setpgid(pid, pid);
  pipes[3].write.close();
  int why = 0;
  ssize_t got = 0;
  do {
    got = read(pipes[3].read.number(), &why, sizeof why);
  } while (got < 0 && errno == EINTR);
  if (got == static_cast<ssize_t>(sizeof why))
    return fail(Errc::usage, "cannot run " + setup.command.front() + ": " + std::strerror(why));
  child.in_ = std::move(pipes[0].write);
  child.out_ = std::move(pipes[1].read);
  child.err_ = std::move(pipes[2].read);
  set_nonblocking(child.in_);
  set_nonblocking(child.out_);
  set_nonblocking(child.err_);
  return child;
}

void Child::kill() {
  if (pid_ > 0 && !ended_) ::kill(-pid_, SIGKILL);
}

bool Child::reap(bool wait) {
  if (ended_) return true;
  pid_t got = 0;
  do {
    got = waitpid(pid_, &status_, wait ? 0 : WNOHANG);
  } while (got < 0 && errno == EINTR);
  ended_ = got == pid_ || got < 0;
  return ended_;
}

bool drain(const Descriptor& from, std::string& kept, std::size_t most, bool* over) {
  char block[16384];
  for (;;) {
    const ssize_t got = read(from.number(), block, sizeof block);
    if (got > 0) {
      const auto size = static_cast<std::size_t>(got);
      const std::size_t room = kept.size() < most ? most - kept.size() : 0;
      kept.append(block, std::min(size, room));
      if (size > room) {
        *over = true;
        return true;
      }
      continue;
    }
    if (got < 0 && errno == EINTR) continue;
    return got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
  }
}

Result<Descriptor> memory_file(const std::string& content) {
  Descriptor file(memfd_create("retort", MFD_CLOEXEC));
  if (!file.open()) return fail(Errc::usage, std::string("no memory file can be made: ") + std::strerror(errno));
  for (std::size_t at = 0; at < content.size();) {
    const ssize_t written = write(file.number(), content.data() + at, content.size() - at);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return fail(Errc::usage, std::string("a memory file cannot be written: ") + std::strerror(errno));
    at += static_cast<std::size_t>(written);
  }
  lseek(file.number(), 0, SEEK_SET);
  return file;
}

ssize_t write_without_signal(const Descriptor& to, std::string_view text) {
  sigset_t broken, before;
  sigemptyset(&broken);
  sigaddset(&broken, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &broken, &before);
  const ssize_t written = write(to.number(), text.data(), text.size());
  const int error = errno;
  constexpr timespec kAtOnce{};
  if (written < 0 && error == EPIPE) sigtimedwait(&broken, nullptr, &kAtOnce);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = error;
  return written;
}

}  // namespace retort
