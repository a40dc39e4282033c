#include "core/process/bubblewrap.h"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <fstream>
#include <list>
#include <optional>
#include <thread>
#include <utility>

#include "core/base/assert.h"
#include "core/base/text.h"
#include "core/process/child.h"
#include "core/process/system_call_filter.h"

namespace retort {
namespace {

constexpr Duration kPatience = std::chrono::seconds(2);
constexpr int kTickMs = 20;  // how often time and memory are looked at
constexpr const char* kHelp =
    "code can only be graded in a sandbox: install bubblewrap 0.8 or newer (Debian: apt-get install bubblewrap) and "
    "allow user namespaces (sysctl kernel.unprivileged_userns_clone=1 user.max_user_namespaces=10000; on Ubuntu also "
    "kernel.apparmor_restrict_unprivileged_userns=0; in a container, run it with them)";

bool good_name(const std::string& name) {
  return !name.empty() && name.size() < 100 && name.find('/') == std::string::npos && name != "." && name != "..";
}

// Everything before the program itself. `files` are open memory files with their names.
std::vector<std::string> arguments(const SandboxJob& job, const std::vector<std::pair<std::string, int>>& files,
                                   int filter) {
  const SandboxLimits& limits = job.limits;
  const std::string size = std::to_string(limits.file_bytes);
  std::vector<std::string> words = {"bwrap",
                                    "--unshare-all",
                                    "--unshare-user",
                                    "--disable-userns",
                                    "--die-with-parent",
                                    "--as-pid-1",
                                    "--new-session",
                                    "--uid",
                                    "65534",
                                    "--gid",
                                    "65534",
                                    "--hostname",
                                    "sandbox",
                                    "--clearenv",
                                    "--setenv",
                                    "PATH",
                                    "/usr/bin:/bin",
                                    "--setenv",
                                    "HOME",
                                    "/sandbox",
                                    "--setenv",
                                    "LANG",
                                    "C.UTF-8",
                                    "--setenv",
                                    "PYTHONDONTWRITEBYTECODE",
                                    "1",
                                    "--ro-bind",
                                    "/usr",
                                    "/usr",
                                    "--symlink",
                                    "usr/bin",
                                    "/bin",
                                    "--symlink",
                                    "usr/sbin",
                                    "/sbin",
                                    "--symlink",
                                    "usr/lib",
                                    "/lib",
                                    "--symlink",
                                    "usr/lib64",
                                    "/lib64",
                                    "--ro-bind-try",
                                    "/etc/alternatives",
                                    "/etc/alternatives",
                                    "--ro-bind-try",
                                    "/etc/ld.so.cache",
                                    "/etc/ld.so.cache",
                                    "--proc",
                                    "/proc",
                                    "--dev",
                                    "/dev",
                                    "--size",
                                    "65536",
                                    "--tmpfs",
                                    "/dev/shm",
                                    "--remount-ro",
                                    "/dev",
                                    "--size",
                                    size,
                                    "--tmpfs",
                                    "/tmp",
                                    "--size",
                                    size,
                                    "--tmpfs",
                                    "/sandbox"};
  for (const auto& [name, descriptor] : files) {
    words.insert(words.end(), {"--file", std::to_string(descriptor), "/sandbox/" + name});
  }
  words.insert(words.end(), {"--remount-ro", "/", "--chdir", "/sandbox"});
  if (filter >= 0) words.insert(words.end(), {"--seccomp", std::to_string(filter)});
  // The limit on processes counts within the new user namespace only if it is set there.
  words.insert(words.end(),
               {"--", "/usr/bin/prlimit", "--nproc=" + std::to_string(limits.processes),
                "--as=" + std::to_string(limits.memory_bytes), "--fsize=" + std::to_string(limits.file_bytes),
                "--cpu=" + std::to_string(std::max<std::int64_t>(1, limits.cpu.count() / 1'000'000'000)), "--core=0",
                "--nofile=64", "--memlock=0", "--msgqueue=0", "--stack=8388608"});
  words.insert(words.end(), job.command.begin(), job.command.end());
  return words;
}

struct Running {
  std::size_t index = 0;
  Child child;
  Instant begun;
  std::size_t sent = 0;  ///< of the input
  SandboxEnd end;
  std::optional<SandboxEnd::Why> killed;
};

// The program is the first process of its namespace: when it is dead, so is all that it started, and only then does
// bubblewrap, which waits for it, end.
void end_program(Child& child) {
  std::ifstream children("/proc/" + std::to_string(child.pid()) + "/task/" + std::to_string(child.pid()) + "/children");
  pid_t program = 0;
  if (children >> program)
    ::kill(program, SIGKILL);
  else
    child.kill();
}

class Bubblewrap final : public Sandbox {
 public:
  Bubblewrap(const Clock& clock, std::function<bool()> should_stop)
      : clock_(clock), should_stop_(std::move(should_stop)), filter_(system_call_filter()) {}

  Result<std::vector<SandboxEnd>> run(std::span<const SandboxJob> jobs) override {
    if (!works_) {
      SandboxJob probe;
      probe.command = {"/bin/sh", "-c", "echo works"};
      const auto end = run_all({&probe, 1});
      if (!end) return end.error().code == Errc::interrupted ? fail(end.error()) : refusal(end.error().message);
      if (end->front().out != "works\n") return refusal(end->front().err);
      works_ = true;
    }
    return run_all(jobs);
  }

  std::string kind() const override { return "bubblewrap"; }

 private:
  static Failure refusal(const std::string& why) {
    return fail(Errc::usage, std::string(kHelp) + ". What it says: " + shortened(on_one_line(why), 200));
  }

  Result<Running> start(const SandboxJob& job, std::size_t index) const {
    RETORT_ASSERT(!job.command.empty());
    std::vector<Descriptor> open;
    std::vector<std::pair<std::string, int>> files;
    ChildSetup setup;
    for (const auto& [name, content] : job.files) {
      RETORT_ASSERT(good_name(name));
      auto file = memory_file(content);
      if (!file) return fail(file.error());
      files.emplace_back(name, file->number());
      setup.inherited.push_back(file->number());
      open.push_back(std::move(*file));
    }
    int filter = -1;
    if (!filter_.empty()) {
      auto file = memory_file(filter_);
      if (!file) return fail(file.error());
      filter = file->number();
      setup.inherited.push_back(filter);
      open.push_back(std::move(*file));
    }
    setup.command = arguments(job, files, filter);
    setup.never_root = true;
    auto child = Child::start(setup);
    if (!child) return fail(child.error());
    return Running{index, std::move(*child), clock_.now(), 0, {}, {}};
  }

  Result<std::vector<SandboxEnd>> run_all(std::span<const SandboxJob> jobs) const {
    const std::size_t at_once = std::max(1U, std::thread::hardware_concurrency());
    std::vector<SandboxEnd> ends(jobs.size());
    std::list<Running> running;
    for (std::size_t next = 0; next < jobs.size() || !running.empty();) {
      if (should_stop_ && should_stop_()) return fail(Errc::interrupted, "stopped while code was being graded");
      while (next < jobs.size() && running.size() < at_once) {
        auto started = start(jobs[next], next);
        if (!started) return fail(started.error());
        running.push_back(std::move(*started));
        ++next;
      }
      wait(running, jobs);
      for (Running& one : running) {
        attend(one, jobs[one.index]);
        if (!one.child.reap()) continue;
        finish(one, jobs[one.index]);
        ends[one.index] = std::move(one.end);
        one.index = jobs.size();
      }
      std::erase_if(running, [&](const Running& one) { return one.index == jobs.size(); });
    }
    return ends;
  }

  static void wait(std::list<Running>& running, std::span<const SandboxJob> jobs) {
    std::vector<pollfd> polled;
    for (Running& one : running) {
      if (one.child.out().open()) polled.push_back({one.child.out().number(), POLLIN, 0});
      if (one.child.err().open()) polled.push_back({one.child.err().number(), POLLIN, 0});
      if (one.child.in().open() && one.sent < jobs[one.index].input.size())
        polled.push_back({one.child.in().number(), POLLOUT, 0});
    }
    poll(polled.data(), polled.size(), kTickMs);
  }

  // Feeds and empties the pipes of one program, and ends it when it goes too far.
  void attend(Running& one, const SandboxJob& job) const {
    const SandboxLimits& limits = job.limits;
    if (one.child.in().open()) {
      const std::string_view left = std::string_view(job.input).substr(one.sent);
      const ssize_t written = left.empty() ? 0 : write_without_signal(one.child.in(), left);
      if (written > 0) one.sent += static_cast<std::size_t>(written);
      const bool refused = written < 0 && errno != EAGAIN && errno != EINTR;
      if (one.sent == job.input.size() || refused) one.child.in().close();
    }
    bool over = false;
    if (one.child.out().open() && !drain(one.child.out(), one.end.out, limits.output_bytes, &over))
      one.child.out().close();
    if (one.child.err().open() && !drain(one.child.err(), one.end.err, limits.output_bytes, &over))
      one.child.err().close();
    if (one.killed) {
      // It should have ended by now; then its guard goes, too, and takes it along.
      if (clock_.now() - one.begun > limits.wall + kPatience) one.child.kill();
      return;
    }
    if (over) one.killed = SandboxEnd::Why::too_much_output;
    if (clock_.now() - one.begun > limits.wall) one.killed = SandboxEnd::Why::out_of_time;
    if (resident_bytes(one.child.pid()) > limits.memory_bytes) one.killed = SandboxEnd::Why::out_of_memory;
    if (one.killed) end_program(one.child);
  }

  void finish(Running& one, const SandboxJob& job) const {
    bool over = false;
    if (one.child.out().open()) drain(one.child.out(), one.end.out, job.limits.output_bytes, &over);
    if (one.child.err().open()) drain(one.child.err(), one.end.err, job.limits.output_bytes, &over);
    one.end.wall = clock_.now() - one.begun;
    const int status = one.child.status();
    const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    if (one.killed || over) {
      one.end.why = one.killed.value_or(SandboxEnd::Why::too_much_output);
    } else if (code > 128) {
      // bubblewrap tells a signal as shells do; SIGXCPU, and SIGKILL after as much time, mean the limit on the
      // processor.
      const bool late = code == 128 + 24 || (code == 128 + 9 && one.end.wall >= job.limits.cpu);
      one.end.why = late ? SandboxEnd::Why::out_of_time : SandboxEnd::Why::signalled;
      one.end.code = code - 128;
    } else {
      one.end.code = code;
    }
  }

  const Clock& clock_;
  std::function<bool()> should_stop_;
  std::string filter_;
  bool works_ = false;
};

}  // namespace

std::uint64_t resident_bytes(int process) {
  const std::string folder = "/proc/" + std::to_string(process);
  std::uint64_t pages = 0, total = 0;
  if (std::ifstream memory(folder + "/statm"); memory >> total) memory >> pages;
  std::uint64_t bytes = pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  std::ifstream children(folder + "/task/" + std::to_string(process) + "/children");
  for (int child = 0; children >> child;) bytes += resident_bytes(child);
  return bytes;
}

std::unique_ptr<Sandbox> make_bubblewrap(const Clock& clock, std::function<bool()> should_stop) {
  return std::make_unique<Bubblewrap>(clock, std::move(should_stop));
}

}  // namespace retort
