// A teacher for tests that knows arithmetic and misbehaves by script, over raw sockets, and keeps the books against
// which a client's promises are checked: what it was asked, what it delivered, what was in flight.
//
// A scenario is a list of rules, split by ';' or line ends; the first that fits a request says what happens, else it is
// "ok":
//
//     1: 429, Retry-After 1      the first request the server receives (also "3-5:")
//     first: 500                 the first request for each prompt
//     every 7: reset             each seventh request
//     prompt blue: 400           requests whose last user message contains "blue"
//     prompt blue first 2: 500   the first two of them
//     then: ok                   everything else
//
// After the fault's name, "Retry-After X" or "Location X" set that header (429_body puts the former into the body).
// Names: tests/support/wire_faults.cpp.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/base/result.h"
#include "core/serve/openai_protocol.h"
#include "tests/support/raw_server.h"

namespace retort {

struct FakeTeacherOptions {
  std::string scenario = {};
  int port = 0;               ///< 0: any free one
  Duration latency{};         ///< before each reply
  Duration latency_spread{};  ///< up to so much more, different for each request
  /// What it says instead of what it knows, by the messages and how often it was asked them (from 1); empty: what it
  /// knows. Called from many threads.
  std::function<std::string(const ChatRequest& asked, int time)> says = {};
  /// What it writes on from a text at /v1/completions; unset: it has no such path.
  std::function<std::string(const Json& body, int time)> completes = {};
};

struct PromptBooks {
  int received = 0;
  int delivered = 0;  ///< complete, valid answers whose every byte the kernel took
  int in_flight = 0;
};

struct FakeTeacherEntry {
  Instant at;
  std::int64_t number = 0;  ///< of the request, from 1
  std::string prompt;
  std::string fault;
  bool with_authorization = false;
  std::int64_t max_tokens = 0;  ///< as asked; 0 if not
  std::uint64_t seed = 0;       ///< as asked; 0 if not
};

class FakeTeacher {
 public:
  static Result<std::unique_ptr<FakeTeacher>> start(FakeTeacherOptions options);
  ~FakeTeacher();
  FakeTeacher(const FakeTeacher&) = delete;
  FakeTeacher& operator=(const FakeTeacher&) = delete;

  int port() const;
  std::string base_url() const;  ///< "http://127.0.0.1:PORT/v1"

  std::int64_t requests() const;
  std::int64_t delivered() const;
  int in_flight() const;
  std::map<std::string, PromptBooks> books() const;  ///< by last user message
  std::vector<FakeTeacherEntry> log() const;
  /// The network is gone: what is connected is cut without a word, and nobody listens at the port.
  void vanish();
  /// It is there again, at the same port.
  void come_back();

  /// As one JSON object; also what GET /books answers.
  std::string books_json() const;

 private:
  struct Rule;
  struct Scenario;
  static Result<Scenario> read(const std::string& text);
  explicit FakeTeacher(FakeTeacherOptions options, std::unique_ptr<Scenario> scenario);
  void listen();

  void serve(RawConnection& connection);
  bool reply(RawConnection& connection, const RawRequest& request);
  bool chat(RawConnection& connection, const RawRequest& request);
  bool complete(RawConnection& connection, const RawRequest& request);
  FakeTeacherEntry enter(const RawRequest& request, const ChatRequest& asked, std::string& argument);

  const FakeTeacherOptions options_;
  const std::unique_ptr<Scenario> scenario_;
  const SystemClock clock_;
  mutable std::mutex mutex_;
  std::map<std::string, PromptBooks> books_;
  std::vector<FakeTeacherEntry> log_;
  std::int64_t delivered_ = 0;
  int in_flight_ = 0;
  int port_ = 0;
  std::unique_ptr<RawServer> server_;  ///< last: its threads use the rest
};

}  // namespace retort
