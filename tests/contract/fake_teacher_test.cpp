// The fake teacher is a checker, so it is checked: each fault is what its name says when a real client meets it, and
// its books are right.
#include "tests/support/fake_teacher.h"

#include <map>

#include "core/base/json.h"
#include "core/net/curl_transport.h"
#include "core/teacher/teacher.h"
#include "tests/catch.h"
#include "tests/support/exchange.h"
#include "tests/support/wire_faults.h"

namespace retort {
namespace {

const SystemClock kClock;

std::unique_ptr<FakeTeacher> faking(FakeTeacherOptions options) {
  auto teacher = FakeTeacher::start(std::move(options));
  REQUIRE_OK(teacher);
  return std::move(teacher).value();
}

HttpRequest question(const FakeTeacher& teacher, const std::string& text = "What is 482 + 71?") {
  HttpRequest request;
  request.url = teacher.base_url() + "/chat/completions";
  request.headers = {{"content-type", "application/json"}, {"authorization", "Bearer k-123"}};
  request.body = dump_json({{"model", "m"}, {"messages", Json::array({Json{{"role", "user"}, {"content", text}}})}});
  request.total_timeout = 20s;
  request.body_bytes_max = 1 << 20;
  return request;
}

/// What the transport makes of a fault; status 0: no head. Those not named here are complete 200s.
struct Expected {
  NetFault fault = NetFault::none;
  int status = 200;
};
const std::map<std::string, Expected> kExpected{
    {"204", {NetFault::none, 204}},
    {"bad_status_line", {NetFault::broken, 0}},
    {"big_body", {NetFault::too_large, 200}},
    {"big_chunked", {NetFault::too_large, 200}},
    {"big_header", {NetFault::too_large, 0}},
    {"chunk_trunc", {NetFault::broken, 200}},
    {"close", {NetFault::broken, 0}},
    {"gzip_bad", {NetFault::broken, 200}},
    {"gzip_bomb", {NetFault::too_large, 200}},
    {"insufficient_quota", {NetFault::none, 429}},
    {"key_echo", {NetFault::none, 401}},
    {"key_escaped", {NetFault::none, 401}},
    {"redirect", {NetFault::none, 307}},
    {"redirect_file", {NetFault::none, 302}},
    {"redirect_loop", {NetFault::none, 307}},
    {"reset", {NetFault::broken, 0}},
    {"reset_mid", {NetFault::broken, 200}},
    {"slowloris", {NetFault::timeout, 200}},
    {"stall", {NetFault::timeout, 0}},
    {"stall_mid", {NetFault::timeout, 200}},
    {"stream_cut", {NetFault::broken, 200}},
    {"stream_reset", {NetFault::broken, 200}},
    {"stream_silent", {NetFault::timeout, 200}},
    {"stream_stall", {NetFault::timeout, 200}},
    {"trunc", {NetFault::broken, 200}},
};

Expected expected(const std::string& name) {
  if (const auto found = kExpected.find(name); found != kExpected.end()) return found->second;
  if (name[0] >= '4' && name[0] <= '5') return {NetFault::none, std::stoi(name.substr(0, 3))};
  return {};
}

TEST_CASE("each fault is what its name says, and only answers count as delivered", "[contract][fake]") {
  auto wire = make_curl_transport({}, kClock);
  REQUIRE_OK(wire);
  const auto names = wire_fault_names();
  CHECK(names.size() >= 60);
  for (const std::string& name : names) {
    CAPTURE(name);
    const auto teacher = faking({.scenario = "1: " + name});
    HttpRequest request = question(*teacher);
    const Expected wanted = expected(name);
    if (wanted.fault == NetFault::timeout) request.total_timeout = 200ms;
    const Outcome outcome = exchange(**wire, request);
    CHECK(outcome.end.fault == wanted.fault);
    // After a reset the kernel may or may not hand out what had arrived.
    if (name != "reset_mid") CHECK(outcome.head.status == wanted.status);
    CHECK(outcome.in_order);
    CHECK(teacher->requests() == 1);
    CHECK(teacher->log()[0].fault == name);
    CHECK(teacher->log()[0].with_authorization);
    // The books say 'delivered' for bodies in which a strict reader finds an answer, and for no others.
    const auto codec = make_teacher("openai-chat", {"http://127.0.0.1/v1", "fake", {}});
    const bool readable = outcome.end.fault == NetFault::none &&
                          std::holds_alternative<Answer>((*codec)->decode(outcome.head, outcome.body));
    CHECK(teacher->delivered() == (readable ? 1 : 0));
    if (name == "key_echo") CHECK(outcome.body.find("k-123") != std::string::npos);
    // The next request on whatever is left of the connection is answered.
    CHECK(exchange(**wire, question(*teacher)).head.status == 200);
  }
}

TEST_CASE("a scenario's first fitting rule decides", "[contract][fake]") {
  const auto teacher =
      faking({.scenario = "1: 429, Retry-After 7; 3-4: 500\nprompt blue: 400; every 6: 503; first: 408; then: ok"});
  auto wire = make_curl_transport({}, kClock);
  REQUIRE_OK(wire);
  std::string statuses;
  const auto ask = [&](const std::string& text) {
    const Outcome outcome = exchange(**wire, question(*teacher, text));
    statuses += std::to_string(outcome.head.status) + " ";
    return outcome;
  };
  CHECK(ask("1 + 1").head.find("retry-after") == "7");
  ask("1 + 1");
  ask("1 + 1");
  ask("1 + 1");
  ask("the blue one");
  ask("1 + 1");
  ask("2 + 2");
  ask("2 + 2");
  CHECK(statuses == "429 200 500 500 400 503 408 200 ");
  const auto books = teacher->books();
  CHECK(books.at("1 + 1").received == 5);
  CHECK(books.at("1 + 1").delivered == 1);
  CHECK(books.at("2 + 2").delivered == 1);
  const auto json = parse_json(teacher->books_json());
  REQUIRE_OK(json);
  CHECK(json_count(*json, "requests") == 8);
  CHECK(json_count(*json, "delivered") == 2);
}

TEST_CASE("a scenario that is not understood is refused", "[contract][fake]") {
  for (const char* scenario : {"429", "0: 429", "1: no_such_fault", "every x: 500", "2-: ok", "1: 429, Retry-After"}) {
    CAPTURE(scenario);
    CHECK_FALSE(FakeTeacher::start({.scenario = scenario}).has_value());
  }
}

TEST_CASE("what is in flight is counted, and what a lost client did not get is not delivered", "[contract][fake]") {
  const auto teacher = faking({.latency = 300ms});
  {
    auto wire = make_curl_transport({}, kClock);
    REQUIRE_OK(wire);
    for (std::uint64_t id = 1; id <= 50; ++id) (*wire)->submit({id}, question(*teacher, std::to_string(id) + " + 1"));
    const Instant patience = kClock.now() + 20s;
    while (teacher->requests() < 50 && kClock.now() < patience) (*wire)->wait(kClock.now() + 10ms);
    CHECK(teacher->requests() == 50);
  }
  const Instant patience = kClock.now() + 20s;
  while (teacher->in_flight() > 0 && kClock.now() < patience) std::this_thread::yield();
  CHECK(teacher->in_flight() == 0);
  CHECK(teacher->delivered() == 0);
}

TEST_CASE("a stream is served to those who ask for one", "[contract][fake]") {
  const auto teacher = faking({});
  auto wire = make_curl_transport({}, kClock);
  REQUIRE_OK(wire);
  HttpRequest request = question(*teacher);
  request.body.insert(1, "\"stream\":true,");
  const Outcome outcome = exchange(**wire, request);
  CHECK(outcome.head.find("content-type") == "text/event-stream");
  CHECK(outcome.body.ends_with("data: [DONE]\n\n"));
  CHECK(teacher->delivered() == 1);
}

}  // namespace
}  // namespace retort
