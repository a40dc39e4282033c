// How fast a corpus takes a harvest at full durability, how fast a resumed harvest finds what it has, and what both
// cost in processor time and memory. Prompts are of 1 KB, replies of 1.3 KB.
// Usage: bench_corpus [ATTEMPTS] [FOLDER]: a table on stdout. The folder's disk is what is measured.
#include <sys/resource.h>

#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <mutex>
#include <string>
#include <utility>

#include "core/base/clock.h"
#include "core/base/hash.h"
#include "core/base/random.h"
#include "storage/sqlite_corpora.h"

namespace retort {
namespace {

[[noreturn]] void give_up(const std::string& message) {
  std::fprintf(stderr, "bench_corpus: %s\n", message.c_str());
  std::exit(1);
}

/// Wakes the measuring thread when completions wait.
struct Signal {
  std::mutex mutex;
  std::condition_variable changed;
  bool woken = false;
};

double processor_seconds(int who) {
  rusage usage{};
  getrusage(who, &usage);
  const auto sum = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return sum(usage.ru_utime) + sum(usage.ru_stime);
}

/// What something took: on the wall, and of the processor by the corpus' own thread (all but this one).
struct Took {
  double seconds = 0;
  double writer = 0;
};

class Stopwatch {
 public:
  explicit Stopwatch(const Clock& clock) : clock_(clock), began_(clock.now()), writer_(writer_seconds()) {}
  Took took() const { return {seconds(clock_.now() - began_), writer_seconds() - writer_}; }

 private:
  static double writer_seconds() { return processor_seconds(RUSAGE_SELF) - processor_seconds(RUSAGE_THREAD); }
  const Clock& clock_;
  Instant began_;
  double writer_;
};

/// Words that compress about as prose with numbers does, up to `size` bytes.
std::string prose(Random& random, std::size_t size) {
  static const char* const kWords[] = {"the ", "sum ", "of ", "carry ", "digit ", "first ", "then ", "answer ", "is "};
  std::string text;
  while (text.size() < size) {
    text += kWords[random.between(0, 8)];
    text += std::to_string(random.between(0, 9999));
  }
  return text;
}

RequestSpec question(std::int64_t number) {
  RequestSpec spec;
  Random random(static_cast<std::uint64_t>(number));
  const std::string text = "What is " + std::to_string(number) + "? " + prose(random, 1000);
  spec.prompt.source = "prompts.jsonl";
  spec.prompt.row = number + 1;
  spec.prompt.messages = Json::array({{{"role", "user"}, {"content", text}}});
  spec.prompt.metadata = {{"family", "sum"}, {"number", number}};
  spec.prompt.reference = std::to_string(number);
  spec.parameters = {{"temperature", 0.6}};
  spec.digest = sha256_hex(text);
  return spec;
}

std::string body_of(Random& random) {
  return R"({"id":"chatcmpl-1","choices":[{"message":{"content":")" + prose(random, 1200) + "\"}}]}";
}

class Harvest {
 public:
  explicit Harvest(const std::string& path) : corpora_(clock_) {
    auto session = corpora_.harvest(path, {"bench", "openai-chat", "http://127.0.0.1/v1", "model", ""},
                                    {"MIT", "", "", {}, true}, {"bench", "", "0", "", Json::object()}, [this] {
                                      {
                                        std::lock_guard guard(signal_.mutex);
                                        signal_.woken = true;
                                      }
                                      signal_.changed.notify_all();
                                    });
    if (!session) give_up(session.error().message);
    log_ = std::move(session->log);
  }

  /// The whole life of `count` attempts, some hundreds at a time as a busy harvest has them.
  Took run(std::int64_t count) {
    constexpr std::int64_t kWindow = 512;
    Random random(1);
    const Stopwatch watch(clock_);
    std::int64_t next = 0, ended = 0;
    std::vector<RequestSpec> specs;
    while (ended < count) {
      // Keeps the window full: what ends makes room for as many new questions.
      for (specs.clear(); next < count && next - ended < kWindow; ++next) specs.push_back(question(next));
      if (!specs.empty()) log_->submit(Register{specs});
      for (const LogEvent& event : wait()) ended += advance(event, random);
    }
    return watch.took();
  }

  /// Looks `count` known questions up, a thousand at a time. Without the time for making the questions.
  Took look_up(std::int64_t count) {
    Took all;
    for (std::int64_t next = 0; next < count;) {
      Register entry;
      for (; next < count && entry.requests.size() < 1000; ++next) entry.requests.push_back(question(next));
      const std::size_t size = entry.requests.size();
      const Stopwatch watch(clock_);
      log_->submit(std::move(entry));
      const std::vector<LogEvent> events = wait();
      const Took took = watch.took();
      all.seconds += took.seconds;
      all.writer += took.writer;
      const auto* registered = std::get_if<Registered>(&events.front());
      if (!registered || registered->states.size() != size) give_up("the questions were not registered");
      for (const RequestState& state : registered->states) {
        if (state.status != RequestStatus::answered) give_up("an answered question is not known as such");
      }
    }
    return all;
  }

  void close() {
    if (auto done = log_->close({0, {}, Json::object()}); !done) give_up(done.error().message);
  }

 private:
  std::vector<LogEvent> wait() {
    while (true) {
      if (auto events = log_->completions(); !events.empty()) return events;
      std::unique_lock guard(signal_.mutex);
      signal_.changed.wait(guard, [this] { return std::exchange(signal_.woken, false); });
    }
  }

  // The next step in the life of the attempts of one event; how many ended.
  std::int64_t advance(const LogEvent& event, Random& random) {
    if (const auto* failed = std::get_if<LogFailed>(&event)) give_up(failed->error.message);
    if (const auto* registered = std::get_if<Registered>(&event)) {
      Begin begin;
      for (const RequestState& state : registered->states) begin.attempts.push_back({state.request, 512});
      for (const RequestState& state : registered->states) asked_.push_back(state.request);
      log_->submit(std::move(begin));
    } else if (const auto* begun = std::get_if<Begun>(&event)) {
      log_->submit(MarkSent{begun->attempts, clock_.wall()});
      for (const RowId attempt : begun->attempts) {
        log_->submit(End{{answered(attempt, asked_.front(), random)}});
        asked_.pop_front();
      }
    } else if (const auto* done = std::get_if<Ended>(&event)) {
      return static_cast<std::int64_t>(done->attempts.size());
    }
    return 0;
  }

  AttemptEnd answered(RowId attempt, RowId request, Random& random) {
    AttemptEnd end;
    end.attempt = attempt;
    end.request = request;
    end.request_status = RequestStatus::answered;
    end.http_status = 200;
    end.sent_at = clock_.wall();
    end.total = 900ms;
    end.raw_body = body_of(random);
    end.response.emplace();
    end.response->text = end.raw_body.substr(50, 600);
    end.response->usage = {40, 150, std::nullopt, std::nullopt};
    return end;
  }

  SystemClock clock_;
  SqliteCorpora corpora_;
  Signal signal_;
  std::unique_ptr<HarvestLog> log_;
  std::deque<RowId> asked_;  ///< begun, in order
};

int run(std::int64_t count, const std::filesystem::path& folder) {
  const std::string path = (folder / "bench_corpus.db").string();
  const auto remove_all = [&] {
    for (const char* suffix : {"", "-wal", "-shm", ".lock"}) std::filesystem::remove(path + suffix);
  };
  remove_all();
  Took asked, looked_up;
  {
    Harvest harvest(path);
    asked = harvest.run(count);
    harvest.close();
  }
  const double megabytes = static_cast<double>(std::filesystem::file_size(path)) / 1e6;
  {
    Harvest harvest(path);
    looked_up = harvest.look_up(count);
    harvest.close();
  }
  const auto rows = static_cast<double>(count);
  const auto print = [rows](const char* what, const Took& took) {
    std::printf("%-52s %9.2f %11.0f %14.1f\n", what, took.seconds, rows / took.seconds, took.writer / rows * 1e6);
  };
  std::printf("%-52s %9s %11s %14s\n", "what (synchronous=FULL)", "seconds", "per second", "us of writer");
  print("attempts registered, begun, sent, ended", asked);
  print("look-ups of answered requests", looked_up);
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  std::printf("corpus: %.1f MB, %.0f bytes an attempt; peak memory of the process: %.1f MB\n", megabytes,
              megabytes * 1e6 / rows, static_cast<double>(usage.ru_maxrss) / 1024);
  remove_all();
  return 0;
}

}  // namespace
}  // namespace retort

int main(int argc, char** argv) {
  const std::int64_t count = argc > 1 ? std::atoll(argv[1]) : 50'000;
  if (count < 1) retort::give_up("usage: bench_corpus [ATTEMPTS] [FOLDER]");
  return retort::run(count, argc > 2 ? argv[2] : ".");
}
