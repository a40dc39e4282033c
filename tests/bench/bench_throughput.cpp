// How fast a harvest is, next to a bare libcurl client and to what else people use, against one fast server and on a
// real disk. Usage: bench_throughput [latency] [ceiling] [million]: tables on stdout; without words the first two.
#include <sched.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "core/base/json.h"

namespace retort {
namespace {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;

[[noreturn]] void give_up(const std::string& message) {
  std::fprintf(stderr, "bench_throughput: %s\n", message.c_str());
  std::exit(1);
}

double monotonic_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

std::string read_file(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

constexpr int kAnyCore = -1;

/// Starts a program on one core, its output in files.
pid_t start(const Words& words, const fs::path& folder, int core, const fs::path& out, const fs::path& err) {
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  std::fflush(stdout);  // else the child would say it again
  const pid_t pid = fork();
  if (pid < 0) give_up("cannot start a program");
  if (pid > 0) return pid;
  if (core != kAnyCore && std::thread::hardware_concurrency() > 1) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(core, &set);
    sched_setaffinity(0, sizeof set, &set);
  }
  const bool ready = chdir(folder.c_str()) == 0 && std::freopen(out.c_str(), "w", stdout) != nullptr &&
                     std::freopen(err.c_str(), "w", stderr) != nullptr;
  if (ready) execv(arguments[0], arguments.data());
  _exit(127);
}

struct Used {
  int code = 0;
  double cpu_seconds = 0, wall_seconds = 0;
  long peak_kib = 0;
};

Used wait_for(pid_t pid, double started) {
  int status = 0;
  rusage used{};
  wait4(pid, &status, 0, &used);
  Used result;
  result.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128;
  result.wall_seconds = monotonic_seconds() - started;
  result.cpu_seconds = static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
                       static_cast<double>(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
  result.peak_kib = used.ru_maxrss;
  return result;
}

/// One bench_server on the second core; what it counted is known when it has stopped.
class Server {
 public:
  Server(const fs::path& programs, const fs::path& folder, int latency_ms)
      : folder_(folder),
        pid_(start({programs / "bench_server", "--latency-ms", std::to_string(latency_ms)}, folder, 1, out(),
                   folder / "server.err")) {
    for (int i = 0; i < 500 && port_ == 0; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
      std::ifstream(out()) >> word_ >> port_;
    }
    if (port_ == 0) give_up("bench_server does not start");
  }

  std::string base_url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/v1"; }

  Json stop() {
    kill(pid_, SIGTERM);
    waitpid(pid_, nullptr, 0);
    const std::string text = read_file(out());
    Result<Json> counted = parse_json(text.substr(text.find('\n') + 1));
    if (!counted) give_up("bench_server says nothing");
    return *counted;
  }

 private:
  fs::path out() const { return folder_ / "server.out"; }

  fs::path folder_;
  pid_t pid_;
  std::string word_;
  int port_ = 0;
};

/// Requests a second over the run without its first and last parts, when a client is still or no more at its full
/// number in flight.
double steady_rate(const Json& counted) {
  const auto buckets = counted.at("per_100_ms").get<std::vector<double>>();
  const std::size_t from = buckets.size() * 3 / 10, to = std::max(buckets.size() * 9 / 10, from + 1);
  double sum = 0;
  for (std::size_t i = from; i < std::min(to, buckets.size()); ++i) sum += buckets[i];
  return sum / (static_cast<double>(to - from) / 10);
}

struct Setting {
  const char* title;
  int latency_ms;
  int in_flight;
  int requests;       ///< of the fast clients
  int requests_slow;  ///< of the slow ones
};

constexpr Setting kLatency = {"200 ms latency, 1,000 requests in flight: the ideal is 5,000 requests/s", 200, 1000,
                              60'000, 12'000};
constexpr Setting kCeiling = {"no latency, 256 requests in flight: the ceiling of each client", 0, 256, 120'000, 6'000};

class Bench {
 public:
  explicit Bench(fs::path programs)
      : programs_(std::move(programs)), folder_(programs_ / ("bench-run-" + std::to_string(getpid()))) {
    fs::create_directories(folder_);
  }
  ~Bench() { fs::remove_all(folder_); }
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;

  void table(const Setting& setting) {
    std::printf("\n%s\n", setting.title);
    std::printf(
        "server on core 1, clients on core 0 (\"two cores\": where the system puts them); commits with fsync\n\n");
    std::printf("%-34s %9s %10s %10s %12s %9s %8s\n", "client", "requests", "overall/s", "steady/s", "CPU us/req",
                "RSS MB", "of bare");
    write_prompts(setting.requests);
    bare_ = 0;
    bare_ = row("bare libcurl, keeps nothing", setting, setting.requests, 0, [&](const Server& server) {
      return Words{programs_ / "bare_client", server.base_url() + "/chat/completions",
                   std::to_string(setting.in_flight), std::to_string(setting.requests)};
    });
    const auto harvest = [&](const Server& server) {
      configure(server, setting.in_flight);
      return harvest_words(setting.in_flight);
    };
    row("retort harvest", setting, setting.requests, 0, harvest);
    row("retort harvest, two cores", setting, setting.requests, kAnyCore, harvest);
    write_prompts(setting.requests_slow * 3);
    peer("aiohttp", "aiohttp to JSON lines", setting, setting.requests_slow * 3);
    write_prompts(setting.requests_slow);
    peer("openai", "openai (official) to JSON lines", setting, setting.requests_slow);
    peer("httpx", "httpx to JSON lines", setting, setting.requests_slow);
  }

  /// A million prompts: what memory, how soon, and how quickly the finished corpus is recognised.
  void million() {
    constexpr int kPrompts = 1'000'000;
    constexpr int kInFlight = 256;
    std::printf("\none million prompts of 1 KB, %d requests in flight, no latency\n\n", kInFlight);
    write_prompts(kPrompts);
    for (const char* run : {"first run", "again, all answered"}) {
      Server server(programs_, folder_, 0);
      configure(server, kInFlight);
      const double started = monotonic_seconds();
      const Used used = wait_for(begin(harvest_words(kInFlight), kAnyCore), started);
      const Json counted = server.stop();
      const auto answered = counted.at("answered").get<double>();
      check(used, run);
      std::printf("%-22s %10.0f requests  %8.1f s  %9.1f/s  peak RSS %6.1f MB", run, answered, used.wall_seconds,
                  answered / used.wall_seconds, static_cast<double>(used.peak_kib) / 1024);
      if (answered > 0) std::printf("  first answer after %.3f s", counted.at("first_at").get<double>() - started);
      std::printf("\n");
      std::fflush(stdout);
    }
  }

 private:
  Words harvest_words(int in_flight) const {
    return {programs_ / "retort",
            "harvest",
            "prompts.jsonl",
            "-t",
            "bench",
            "-c",
            "corpus.db",
            "-q",
            "--json",
            "--max-in-flight",
            std::to_string(in_flight)};
  }

  void configure(const Server& server, int in_flight) const {
    std::ofstream(folder_ / "retort.toml")
        << "[teacher.bench]\napi = \"openai-chat\"\nbase_url = \"" << server.base_url()
        << "\"\nmodel = \"bench-1\"\nlicence = \"MIT\"\noutputs_may_train = true\nmax_in_flight = " << in_flight
        << "\n[teacher.bench.parameters]\ntemperature = 0.6\n";
  }

  void write_prompts(int count) const {
    std::ofstream file(folder_ / "prompts.jsonl", std::ios::binary);
    for (int i = 1; i <= count; ++i) {
      std::string prompt = "Question " + std::to_string(i) + ": ";
      while (prompt.size() < 1000) prompt += "how many marbles are left when some of them roll away? ";
      prompt.resize(1000);
      file << "{\"prompt\":\"" << prompt << "\"}\n";
    }
  }

  pid_t begin(const Words& words, int core) const {
    return start(words, folder_, core, folder_ / "client.out", folder_ / "client.err");
  }

  void check(const Used& used, const char* name) const {
    if (used.code != 0) give_up(std::string(name) + " failed: " + read_file(folder_ / "client.err"));
  }

  /// Runs a client and prints its line; its steady rate.
  template <typename Command>
  double row(const char* name, const Setting& setting, int requests, int core, const Command& command) {
    for (const char* file : {"corpus.db", "corpus.db-wal", "corpus.db-shm"}) fs::remove(folder_ / file);
    Server server(programs_, folder_, setting.latency_ms);
    const Words words = command(server);
    const double started = monotonic_seconds();
    const Used used = wait_for(begin(words, core), started);
    const Json counted = server.stop();
    check(used, name);
    const double steady = steady_rate(counted);
    std::printf("%-34s %9d %10.0f %10.0f %12.1f %9.1f", name, requests, requests / used.wall_seconds, steady,
                used.cpu_seconds / requests * 1e6, static_cast<double>(used.peak_kib) / 1024);
    if (bare_ > 0) std::printf(" %8.2f", steady / bare_);
    std::printf("\n");
    std::fflush(stdout);
    return steady;
  }

  void peer(const std::string& module, const char* name, const Setting& setting, int requests) {
    const fs::path python = programs_ / "bench-venv/bin/python";
    const fs::path script = fs::path(RETORT_SOURCE_DIR) / ("tests/bench/peers/" + module + "_client.py");
    if (!fs::exists(python)) {
      std::printf("%-34s not run: %s\n", name, why_no_peers().c_str());
      return;
    }
    row(name, setting, requests, 0, [&](const Server& server) {
      return Words{python,          script,          server.base_url(),
                   "prompts.jsonl", "answers.jsonl", std::to_string(setting.in_flight)};
    });
  }

  std::string why_no_peers() const {
    const std::string why = read_file(programs_ / "bench-venv.why-not");
    return why.empty() ? "`./dev bench` sets the peers up" : why.substr(0, why.find('\n'));
  }

  const fs::path programs_, folder_;
  double bare_ = 0;
};

}  // namespace
}  // namespace retort

int main(int count, char** words) {
  using namespace retort;
  const Words wanted(words + 1, words + count);
  const auto asked = [&](const char* name) { return std::find(wanted.begin(), wanted.end(), name) != wanted.end(); };
  for (const std::string& word : wanted) {
    if (word != "latency" && word != "ceiling" && word != "million") give_up("no benchmark '" + word + "'");
  }
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  Bench bench(fs::canonical("/proc/self/exe").parent_path());
  if (wanted.empty() || asked("latency")) bench.table(kLatency);
  if (wanted.empty() || asked("ceiling")) bench.table(kCeiling);
  if (asked("million")) bench.million();
  return 0;
}
