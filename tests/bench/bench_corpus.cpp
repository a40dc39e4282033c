// How fast a corpus takes a harvest at full durability, and how fast a resumed harvest finds what it has.
// Usage: bench_corpus [ATTEMPTS] [FOLDER]: a table on stdout. The folder's disk is what is measured.
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <string>

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

RequestSpec question(std::int64_t number) {
  RequestSpec spec;
  const std::string text = "What is " + std::to_string(number) + " + " + std::to_string(number * 7) + "?";
  spec.prompt.source = "prompts.jsonl";
  spec.prompt.row = number + 1;
  spec.prompt.messages = Json::array({{{"role", "user"}, {"content", text}}});
  spec.parameters = {{"temperature", 0.6}};
  spec.digest = sha256_hex(text);
  spec.prompt_digest = sha256_hex("p" + text);
  return spec;
}

// Some 3 KB that compress about as JSON with prose in it does.
std::string body_of(Random& random) {
  static const char* const kWords[] = {"the ", "sum ", "of ", "carry ", "digit ", "first ", "then ", "answer ", "is "};
  std::string body = R"({"id":"chatcmpl-1","choices":[{"message":{"content":")";
  while (body.size() < 3000) {
    body += kWords[random.between(0, 8)];
    body += std::to_string(random.between(0, 9999));
  }
  return body + "\"}}]}";
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

  /// The whole life of `count` attempts, some hundreds at a time as a busy harvest has them. Seconds it took.
  double run(std::int64_t count) {
    constexpr std::int64_t kWindow = 512;
    Random random(1);
    const Instant start = clock_.now();
    std::int64_t next = 0, ended = 0;
    std::vector<RequestSpec> specs;
    while (ended < count) {
      // Keeps the window full: what ends makes room for as many new questions.
      for (specs.clear(); next < count && next - ended < kWindow; ++next) specs.push_back(question(next));
      if (!specs.empty()) log_->submit(Register{specs});
      for (const LogEvent& event : wait()) ended += advance(event, random);
    }
    return seconds(clock_.now() - start);
  }

  /// Looks `count` known questions up, a thousand at a time. Seconds it took, without making the questions.
  double look_up(std::int64_t count) {
    Duration spent{};
    for (std::int64_t next = 0; next < count;) {
      Register entry;
      for (; next < count && entry.requests.size() < 1000; ++next) entry.requests.push_back(question(next));
      const std::size_t size = entry.requests.size();
      const Instant start = clock_.now();
      log_->submit(std::move(entry));
      const std::vector<LogEvent> events = wait();
      spent += clock_.now() - start;
      const auto* registered = std::get_if<Registered>(&events.front());
      if (!registered || registered->states.size() != size) give_up("the questions were not registered");
      for (const RequestState& state : registered->states) {
        if (state.status != RequestStatus::answered) give_up("an answered question is not known as such");
      }
    }
    return seconds(spent);
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
        log_->submit(End{{answered(attempt, asked_[answered_++], random)}});
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
  std::vector<RowId> asked_;
  std::size_t answered_ = 0;
};

int run(std::int64_t count, const std::filesystem::path& folder) {
  const std::string path = (folder / "bench_corpus.db").string();
  const auto remove_all = [&] {
    for (const char* suffix : {"", "-wal", "-shm", ".lock"}) std::filesystem::remove(path + suffix);
  };
  remove_all();
  double asked = 0, looked_up = 0;
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
  std::printf("%-48s %10s %12s\n", "what (synchronous=FULL)", "seconds", "per second");
  std::printf("%-48s %10.2f %12.0f\n", "attempts registered, begun, sent, ended (3 KB)", asked, rows / asked);
  std::printf("%-48s %10.2f %12.0f\n", "look-ups of answered requests", looked_up, rows / looked_up);
  std::printf("%-48s %10.1f %12.0f\n", "size of the corpus: MB, bytes per attempt", megabytes, megabytes * 1e6 / rows);
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
