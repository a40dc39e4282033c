// Drives a HarvestLog as a test wants it: one submission, then its completion. Knows only the ports.
#pragma once

#include <stdlib.h>

#include <condition_variable>
#include <deque>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "core/corpus/corpus.h"
#include "core/teacher/identity.h"
#include "tests/catch.h"

namespace retort::test {

/// A folder of its own, gone with the test.
class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "retort-test-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string file(const std::string& name) const { return (path_ / name).string(); }
  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

inline TeacherIdentity teacher(const std::string& name = "r1") {
  return {name, "openai-chat", "http://127.0.0.1:8000/v1", "small-model", "somebody"};
}

inline Terms terms() { return {"MIT", "https://example.org/terms", "2026-11-22", {"attribution"}, true}; }

inline RunStart run_start() { return {"harvest", "harvest prompts.jsonl", "0.1.0", "host", Json::object()}; }

inline RequestSpec spec(const std::string& question, std::int64_t row = 1, int sample = 0) {
  RequestSpec spec;
  spec.prompt.source = "prompts.jsonl";
  spec.prompt.row = row;
  spec.prompt.messages = Json::array({{{"role", "user"}, {"content", question}}});
  spec.parameters = {{"temperature", 0.6}, {"seed", 7 + sample}};
  spec.sample = sample;
  spec.digest = request_digest({"openai-chat", "small-model", spec.prompt.messages, spec.parameters, sample});
  return spec;
}

/// An attempt that was answered with `text`.
inline AttemptEnd answer(RowId attempt, RowId request, const std::string& text, Finish finish = Finish::stop) {
  AttemptEnd end;
  end.attempt = attempt;
  end.request = request;
  end.outcome = AttemptOutcome::answered;
  end.request_status = RequestStatus::answered;
  end.http_status = 200;
  end.sent_at = {1'800'000'000'123};
  end.first_byte = 120ms;
  end.total = 1500ms;
  end.headers = {{"x-request-id", "abc"}};
  end.raw_body = R"({"choices":[{"message":{"content":")" + text + "\"}}]}";
  end.cost = Usd::from_dollars(0.000123456789);
  Response response;
  response.text = text;
  response.reasoning = "because";
  response.finish = finish;
  response.provider_finish = finish == Finish::length ? "length" : "stop";
  response.usage = {11, 22, std::nullopt, 5};
  response.served_model = "small-model-2026";
  response.system_fingerprint = "fp";
  response.provider_id = "chatcmpl-1";
  end.response = response;
  return end;
}

/// An attempt that brought no answer; the request stays pending.
inline AttemptEnd no_answer(RowId attempt, RowId request, AttemptOutcome outcome, const std::string& error) {
  AttemptEnd end;
  end.attempt = attempt;
  end.request = request;
  end.outcome = outcome;
  end.error = error;
  end.possibly_billed = outcome == AttemptOutcome::timed_out || outcome == AttemptOutcome::cancelled;
  end.sent_at = {1'800'000'000'000};
  return end;
}

class LogDriver {
 public:
  LogDriver(CorpusOpener& opener, const std::string& path, const TeacherIdentity& who = teacher(),
            const Terms& rights = terms()) {
    auto session = opener.harvest(path, who, rights, run_start(), [signal = signal_] {
      {
        std::lock_guard guard(signal->mutex);
        signal->woken = true;
      }
      signal->changed.notify_all();
    });
    REQUIRE_OK(session);
    recovery = session->recovery;
    log = std::move(session->log);
  }

  /// The next completion, in order; fails the test if none comes within `patience`.
  LogEvent next(Duration patience = 10s) {
    while (events_.empty()) {
      for (LogEvent& event : log->completions()) events_.push_back(std::move(event));
      if (!events_.empty()) break;
      std::unique_lock guard(signal_->mutex);
      REQUIRE(signal_->changed.wait_for(guard, patience, [this] { return std::exchange(signal_->woken, false); }));
    }
    LogEvent event = std::move(events_.front());
    events_.pop_front();
    return event;
  }

  template <class Event>
  Event expect(Duration patience = 10s) {
    LogEvent event = next(patience);
    if (const auto* failed = std::get_if<LogFailed>(&event); failed && !std::is_same_v<Event, LogFailed>)
      FAIL("the log failed: " << failed->error.message);
    REQUIRE(std::holds_alternative<Event>(event));
    return std::get<Event>(std::move(event));
  }

  std::vector<RequestState> registered(std::vector<RequestSpec> specs) {
    log->submit(Register{std::move(specs)});
    return expect<Registered>().states;
  }
  RequestState registered(const RequestSpec& one) { return registered(std::vector{one}).at(0); }
  RowId begun(RowId request, std::optional<std::int64_t> max_tokens = {}) {
    log->submit(Begin{{{request, max_tokens}}});
    return expect<Begun>().attempts.at(0);
  }
  void ended(const AttemptEnd& end) {
    log->submit(End{{end}});
    REQUIRE(expect<Ended>().attempts == std::vector{end.attempt});
  }
  /// Registers, begins, sends and answers one question.
  RowId ask(const RequestSpec& one, const std::string& text, Finish finish = Finish::stop) {
    const RowId request = registered(one).request;
    const RowId attempt = begun(request);
    log->submit(MarkSent{{attempt}, {1'800'000'000'000}});
    ended(answer(attempt, request, text, finish));
    return request;
  }
  void close() {
    REQUIRE_OK(log->close({0, {}, Json::object()}));
    log.reset();
  }
  void crash() { log.reset(); }

  std::unique_ptr<HarvestLog> log;
  Recovery recovery;

 private:
  struct Signal {
    std::mutex mutex;
    std::condition_variable changed;
    bool woken = false;
  };
  std::shared_ptr<Signal> signal_ = std::make_shared<Signal>();
  std::deque<LogEvent> events_;
};

inline std::vector<Pair> pairs_of(CorpusOpener& opener, const std::string& path) {
  auto reader = opener.read(path);
  REQUIRE_OK(reader);
  auto pairs = (*reader)->pairs_after(0, 1000);
  REQUIRE_OK(pairs);
  return *pairs;
}

inline CorpusSummary summary_of(CorpusOpener& opener, const std::string& path) {
  auto reader = opener.read(path);
  REQUIRE_OK(reader);
  auto summary = (*reader)->summary();
  REQUIRE_OK(summary);
  return *summary;
}

inline std::int64_t count_of(const std::vector<std::pair<std::string, std::int64_t>>& counts, const std::string& word) {
  for (const auto& [name, count] : counts) {
    if (name == word) return count;
  }
  return 0;
}

}  // namespace retort::test
