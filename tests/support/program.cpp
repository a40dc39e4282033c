#include "tests/support/program.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <stdexcept>
#include <thread>

#include "core/base/clock.h"

extern char** environ;

namespace retort {
namespace {

constexpr Duration kLookInterval = 2ms;

std::vector<std::string> environment_with(const std::map<std::string, std::string>& more) {
  std::vector<std::string> all;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string name(*entry, std::strcspn(*entry, "="));
    if (!more.contains(name)) all.emplace_back(*entry);
  }
  for (const auto& [name, value] : more) all.push_back(name + "=" + value);
  return all;
}

std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> result;
  for (std::string& word : words) result.push_back(word.data());
  result.push_back(nullptr);
  return result;
}

int opened(const std::string& path, int flags) {
  const int descriptor = open(path.c_str(), flags | O_CLOEXEC, 0600);
  if (descriptor < 0) throw std::runtime_error("cannot open " + path + ": " + std::strerror(errno));
  return descriptor;
}

/// In the child, before it becomes the program.
bool limit(__rlimit_resource resource, const std::optional<std::uint64_t>& most) {
  if (!most) return true;
  const rlimit limit{*most, *most};
  return setrlimit(resource, &limit) == 0;
}

}  // namespace

Program::Program(const ProgramSetup& setup) {
  write_bytes(files_.path("in"), setup.input);
  const int in = opened(files_.path("in"), O_RDONLY);
  const int out =
      setup.output_descriptor >= 0 ? setup.output_descriptor : opened(files_.path("out"), O_WRONLY | O_CREAT);
  const int err = opened(files_.path("err"), O_WRONLY | O_CREAT | O_APPEND);
  std::vector<std::string> words{setup.executable};
  words.insert(words.end(), setup.arguments.begin(), setup.arguments.end());
  std::vector<std::string> variables = environment_with(setup.environment);
  const std::vector<char*> argv = pointers(words);
  const std::vector<char*> envp = pointers(variables);
  const std::string folder = setup.folder.empty() ? files_.path() : setup.folder;

  pid_ = fork();
  if (pid_ == 0) {
    // Other threads may hold any lock: from here on only what is safe in a signal handler.
    dup2(in, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    dup2(err, STDERR_FILENO);
    close_range(STDERR_FILENO + 1, ~0U, 0);
    if (setup.file_bytes_max) signal(SIGXFSZ, SIG_IGN);
    if (!limit(RLIMIT_FSIZE, setup.file_bytes_max) || !limit(RLIMIT_NOFILE, setup.descriptors_max) ||
        !limit(RLIMIT_AS, setup.address_bytes_max)) {
      _exit(126);
    }
    if (chdir(folder.c_str()) != 0) _exit(126);
    execve(argv.front(), argv.data(), envp.data());
    _exit(127);
  }
  const int error = errno;
  close(in);
  close(err);
  if (setup.output_descriptor < 0) close(out);
  if (pid_ < 0) throw std::runtime_error("cannot start " + setup.executable + ": " + std::strerror(error));
}

Program::~Program() {
  if (ended_) return;
  send(SIGKILL);
  reap(0);
}

std::string Program::out() const { return read_bytes(files_.path("out")); }
std::string Program::err() const { return read_bytes(files_.path("err")); }

void Program::send(int signal) const {
  if (!ended_) kill(pid_, signal);
}

bool Program::running() { return !reap(WNOHANG); }

bool Program::reap(int options) {
  if (ended_) return true;
  int status = 0;
  rusage usage{};
  pid_t found;
  do {
    found = wait4(pid_, &status, options, &usage);
  } while (found < 0 && errno == EINTR);
  if (found != pid_) return false;
  ended_ = true;
  end_.code = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  end_.peak_memory_kib = usage.ru_maxrss;
  const auto duration = [](const timeval& time) {
    return Duration(std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec));
  };
  end_.cpu = duration(usage.ru_utime) + duration(usage.ru_stime);
  end_.out = out();
  end_.err = err();
  return true;
}

ProgramEnd Program::wait(Duration most) {
  if (!eventually([this] { return reap(WNOHANG); }, most)) {
    send(SIGKILL);
    reap(0);
    end_.timed_out = true;
  }
  return end_;
}

bool eventually(const std::function<bool()>& condition, Duration most) {
  const SystemClock clock;
  const Instant deadline = clock.now() + most;
  while (!condition()) {
    if (clock.now() >= deadline) return false;
    std::this_thread::sleep_for(kLookInterval);
  }
  return true;
}

}  // namespace retort
