// Every way in which a teacher's wire goes wrong, through the real program: what becomes of the prompt, what the exit
// status says, which word the corpus keeps. In each table a line is one scenario.
#include <atomic>
#include <csignal>
#include <functional>
#include <thread>

#include "tests/catch.h"
#include "tests/e2e/scene.h"

namespace retort {
namespace {

#ifdef __SANITIZE_ADDRESS__
constexpr std::int64_t kMemoryMaxKib = 2 << 20;  // a sanitizer's shadow counts too
#else
constexpr std::int64_t kMemoryMaxKib = 128 << 10;
#endif

// One line of a table. The first prompt is the blue one; requests go one after the other.
struct Line {
  const char* fault;
  const char* outcome;       ///< of the attempt that met the fault
  const char* word;          ///< its error in the corpus
  const char* profile = "";  ///< one more line of the profile, "key = value"
};

/// What was seen, gathered in a thread of its own and checked in the test's.
struct Seen {
  std::string problem;
  ProgramEnd end, second;
  std::string blue_status, others, blue_attempts, second_status;
  std::int64_t requests = 0;
  std::string detail;
};

constexpr const char* kBlueAttempts =
    "SELECT coalesce(group_concat(outcome || ' ' || coalesce(error, '-'), ', '), '') FROM (SELECT outcome, error FROM "
    "attempt JOIN request ON request.id = request_id JOIN prompt ON prompt.id = prompt_id WHERE messages LIKE '%blue%' "
    "ORDER BY attempt.id)";
constexpr const char* kBlueStatus =
    "SELECT status FROM request JOIN prompt ON prompt.id = prompt_id WHERE messages LIKE '%blue%'";
constexpr const char* kOthers =
    "SELECT coalesce(group_concat(DISTINCT status), '') FROM request JOIN prompt ON prompt.id = prompt_id WHERE "
    "messages NOT LIKE '%blue%'";

Profile profile_of(const Line& line) {
  Profile profile = {{"max_in_flight", "1"}};
  const std::string more = line.profile;
  if (const std::size_t equals = more.find(" = "); equals != std::string::npos)
    profile[more.substr(0, equals)] = more.substr(equals + 3);
  return profile;
}

constexpr const char* kPrompts =
    "{\"prompt\":\"the blue one: 1 + 1\"}\n{\"prompt\":\"2 + 2\"}\n{\"prompt\":\"3 + 3\"}\n";

Seen see(const Line& line, const std::string& scenario, bool twice, const std::vector<std::string>& words) {
  Seen seen;
  try {
    Scene scene({.scenario = scenario}, profile_of(line));
    scene.write("prompts.jsonl", kPrompts);
    seen.end = scene.harvest(words);
    seen.requests = scene.teacher().requests();
    seen.blue_status = scene.text(kBlueStatus);
    if (twice) seen.second = scene.harvest(words);
    if (twice) seen.second_status = scene.text(kBlueStatus);
    seen.blue_attempts = scene.text(kBlueAttempts);
    seen.others = scene.text(kOthers);
  } catch (const std::exception& error) {
    seen.problem = error.what();
  }
  return seen;
}

/// Most of a fault's time is waiting, so several are met at once.
std::vector<Seen> see_all(std::size_t count, const std::function<Seen(std::size_t)>& see_one) {
  std::vector<Seen> all(count);
  std::atomic<std::size_t> next = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (std::size_t at = next++; at < count; at = next++) all[at] = see_one(at);
    });
  }
  for (std::thread& thread : threads) thread.join();
  return all;
}

std::string attempt(const Line& line) { return std::string(line.outcome) + " " + line.word; }

constexpr const char* kImpatient = "timeout_seconds = 2";

constexpr Line kTriedAgain[] = {
    {"408", "failed", "http_408"},
    {"409", "failed", "http_409"},
    {"500", "failed", "http_500"},
    {"502", "failed", "http_502"},
    {"502_html", "failed", "http_502"},
    {"503", "failed", "http_503"},
    {"503_retry", "failed", "http_503"},
    {"504", "failed", "http_504"},
    {"529", "failed", "http_529"},
    {"reset", "network", "broken"},
    {"close", "network", "broken"},
    {"reset_mid", "network", "broken"},
    {"trunc", "network", "broken"},
    {"chunk_trunc", "network", "broken"},
    {"trunc_json", "failed", "not_json"},
    {"trailing_junk", "failed", "not_json"},
    {"bad_status_line", "network", "broken"},
    {"200_html", "failed", "not_json"},
    {"200_error", "failed", "error_in_200"},
    {"200_empty", "failed", "empty_body"},
    {"204", "failed", "http_204"},
    {"sse", "failed", "not_json"},
    {"no_choices", "failed", "no_choices"},
    {"big_body", "network", "too_large"},
    {"big_header", "network", "too_large"},
    {"gzip_bomb", "network", "too_large"},
    {"gzip_bad", "network", "broken"},
    {"bad_utf8", "failed", "not_json"},
    {"raw_nul", "failed", "not_json"},
    {"lone_surrogate", "failed", "not_json"},
    {"deep", "failed", "not_json"},
    {"deep_closed", "failed", "not_json"},
    {"slowloris", "timed_out", "timeout", kImpatient},
    {"stall", "timed_out", "timeout", kImpatient},
    {"stall_mid", "timed_out", "timeout", kImpatient},
};

// when:  the fault, then a right answer
// then:  answered at the second attempt, exit 0
TEST_CASE("a fault that may pass is tried again", "[e2e][wire]") {
  const auto all = see_all(std::size(kTriedAgain), [](std::size_t i) {
    return see(kTriedAgain[i], std::string("1: ") + kTriedAgain[i].fault + "; then: ok", false, {});
  });
  for (std::size_t i = 0; i < all.size(); ++i) {
    CAPTURE(kTriedAgain[i].fault, all[i].end.err);
    CHECK(all[i].problem == "");
    CHECK(all[i].end.code == 0);
    CHECK(all[i].blue_status == "answered");
    CHECK(all[i].others == "answered");
    CHECK(all[i].blue_attempts == attempt(kTriedAgain[i]) + ", answered -");
    CHECK(all[i].requests == 4);
    CHECK(all[i].end.peak_memory_kib < kMemoryMaxKib);
  }
}

// when:  the fault each time that the blue prompt is asked
// then:  it has failed for good after two attempts, the others are answered, exit 3
TEST_CASE("a fault that does not pass fails its row and no other", "[e2e][wire]") {
  const auto all = see_all(std::size(kTriedAgain), [](std::size_t i) {
    // A time-out is never tried a third time, whatever the number of attempts.
    const bool time_out = kTriedAgain[i].profile == kImpatient;
    return see(kTriedAgain[i], std::string("prompt blue: ") + kTriedAgain[i].fault, false,
               {"--attempts", time_out ? "5" : "2"});
  });
  for (std::size_t i = 0; i < all.size(); ++i) {
    CAPTURE(kTriedAgain[i].fault, all[i].end.err);
    CHECK(all[i].problem == "");
    CHECK(all[i].end.code == 3);
    CHECK(all[i].blue_status == "failed");
    CHECK(all[i].others == "answered");
    CHECK(all[i].blue_attempts == attempt(kTriedAgain[i]) + ", " + attempt(kTriedAgain[i]));
    CHECK(has(all[i].end.err, std::string("failed: 1 × ") + kTriedAgain[i].word));
    CHECK(all[i].end.peak_memory_kib < kMemoryMaxKib);
  }
}

constexpr Line kFinal[] = {
    {"400", "failed", "http_400"},
    {"413", "failed", "http_413"},
    {"422", "failed", "http_422"},
    {"null_content", "failed", "null_content"},
};

// when:  the fault for the blue prompt
// then:  it is asked once and has failed, the others are answered, exit 3
TEST_CASE("a fault of the prompt itself is not tried again", "[e2e][wire]") {
  const auto all = see_all(std::size(kFinal), [](std::size_t i) {
    return see(kFinal[i], std::string("prompt blue: ") + kFinal[i].fault, false, {});
  });
  for (std::size_t i = 0; i < all.size(); ++i) {
    CAPTURE(kFinal[i].fault, all[i].end.err);
    CHECK(all[i].problem == "");
    CHECK(all[i].end.code == 3);
    CHECK(all[i].blue_status == "failed");
    CHECK(all[i].others == "answered");
    CHECK(all[i].blue_attempts == attempt(kFinal[i]));
    CHECK(all[i].requests == 3);
  }
}

struct Stop {
  const char* fault;
  int code;
  const char* word;
};

constexpr Stop kStops[] = {
    {"401", 4, "http_401"},           {"403", 4, "http_403"},
    {"404", 4, "http_404"},           {"key_echo", 4, "http_401"},
    {"redirect", 4, "http_307"},      {"redirect_loop", 4, "http_307"},
    {"redirect_file", 4, "http_302"}, {"insufficient_quota", 5, "quota"},
};

// when:  the fault at the first request
// then:  no other request is sent, everything stays pending, one line says why; mended, the same command finishes
TEST_CASE("a teacher that refuses us ends the run and no row", "[e2e][wire]") {
  const auto all = see_all(std::size(kStops), [](std::size_t i) {
    return see({kStops[i].fault, "refused", kStops[i].word}, std::string("1: ") + kStops[i].fault, true, {});
  });
  for (std::size_t i = 0; i < all.size(); ++i) {
    CAPTURE(kStops[i].fault, all[i].end.err);
    CHECK(all[i].problem == "");
    CHECK(all[i].end.code == kStops[i].code);
    CHECK(all[i].requests == 1);
    CHECK(all[i].blue_status == "pending");
    CHECK(has(said(all[i].end).back(), std::string("retort: the teacher refuses us (") + kStops[i].word + ")"));
    CHECK(all[i].second.code == 0);
    CHECK(all[i].second_status == "answered");
    CHECK(all[i].blue_attempts == std::string("refused ") + kStops[i].word + ", answered -");
    CHECK(all[i].others == "answered");
  }
}

constexpr const char* kPauses[] = {"429", "429_date", "429_ms", "429_none", "429_neg", "429_junk"};

// when:  the fault three times, then right answers; one attempt a row is all there is
// then:  answered, exit 0: being told to wait costs no attempt
TEST_CASE("a refusal for now costs no attempt", "[e2e][wire]") {
  const auto all = see_all(std::size(kPauses), [](std::size_t i) {
    return see({kPauses[i], "refused", "http_429"}, std::string("1-3: ") + kPauses[i], false, {"--attempts", "1"});
  });
  for (std::size_t i = 0; i < all.size(); ++i) {
    CAPTURE(kPauses[i], all[i].end.err);
    CHECK(all[i].problem == "");
    CHECK(all[i].end.code == 0);
    CHECK(all[i].requests == 6);
    CHECK(all[i].blue_status == "answered");
    CHECK(all[i].others == "answered");
    CHECK(has(all[i].blue_attempts, "refused http_429"));
    CHECK(has(all[i].end.err, "3 refused with 429"));
  }
}

constexpr const char* kOdd[] = {"length",     "content_filter", "wrong_type_ct", "wrong_id", "gzip",    "esc_nul",
                                "bom",        "huge_number",    "neg_usage",     "dup_keys", "chunked", "continue",
                                "conn_close", "close_after",    "until_close"};

// when:  the oddity in every reply
// then:  each is an answer, each row is asked once
TEST_CASE("what is odd but right is an answer", "[e2e][wire]") {
  const auto all = see_all(std::size(kOdd), [](std::size_t i) {
    return see({kOdd[i], "answered", "-"}, std::string("then: ") + kOdd[i], false, {"--attempts", "1"});
  });
  for (std::size_t i = 0; i < all.size(); ++i) {
    CAPTURE(kOdd[i], all[i].end.err);
    CHECK(all[i].problem == "");
    CHECK(all[i].end.code == 0);
    CHECK(all[i].requests == 3);
    CHECK(all[i].blue_attempts == "answered -");
    CHECK(all[i].others == "answered");
  }
}

struct Detail {
  const char* fault;
  const char* sql;
  const char* value;
};

TEST_CASE("of an odd answer the corpus keeps what was said", "[e2e][wire]") {
  const auto detail = GENERATE(Detail{"length",
                                      "SELECT finish || ' ' || truncated FROM response JOIN request ON "
                                      "response_id = response.id",
                                      "length 1"},
                               Detail{"content_filter", "SELECT finish FROM response", "content_filter"},
                               Detail{"esc_nul", "SELECT hex(text) FROM response", "340032"},
                               Detail{"wrong_id", "SELECT provider_id FROM response", "chatcmpl-of-somebody-else"},
                               Detail{"neg_usage", "SELECT output_tokens IS NULL FROM response", "1"},
                               Detail{"dup_keys", "SELECT served_model FROM response", "arithmetic"},
                               Detail{"bom", "SELECT text FROM response", "4"},
                               Detail{"huge_number", "SELECT text FROM response", "4"});
  CAPTURE(detail.fault);
  Scene scene({.scenario = std::string("then: ") + detail.fault});
  scene.write("prompts.jsonl", R"({"prompt":"2 + 2"})");
  CHECK(scene.harvest().code == 0);
  CHECK(scene.text(detail.sql) == detail.value);
  REQUIRE(scene.run({"export", "-o", "out.jsonl"}).code == 0);
  auto lines = json_lines(scene.read("out.jsonl"));  // valid UTF-8 too
  CHECK(lines.size() == (std::string(detail.fault) == "length" ? 0 : 1));
  if (std::string(detail.fault) == "esc_nul") CHECK(lines[0]["messages"][1]["content"] == std::string("4\0002", 3));
}

// when:  a 429 with Retry-After 1 among eight requests in flight
// then:  nothing is sent until the second is over
TEST_CASE("nothing is asked while the teacher wants silence", "[e2e][wire]") {
  const std::string fault = GENERATE("429, Retry-After 1", "503_retry, Retry-After 1", "429_ms, Retry-After 1");
  CAPTURE(fault);
  Scene scene({.scenario = "9: " + fault, .latency = 40ms});
  scene.write("prompts.jsonl", sums(60));

  CHECK(scene.harvest().code == 0);

  const auto log = scene.teacher().log();
  CHECK(log.size() == 61);
  const Instant refused = log.at(8).at + 40ms;
  int during = 0, after = 0;
  for (const FakeTeacherEntry& entry : log) {
    // What had been sent when the word arrived may still arrive itself.
    if (entry.at > refused + 300ms && entry.at < refused + 950ms) ++during;
    if (entry.at >= refused + 950ms) ++after;
  }
  CHECK(during == 0);
  CHECK(after > 0);
}

// when:  a Retry-After of 10^22 seconds
// then:  a pause that is clamped and told, without a busy loop, and Ctrl-C works in it
TEST_CASE("an absurd wish for silence is clamped and told", "[e2e][wire]") {
  Scene scene({.scenario = "then: 429_huge"});
  scene.write("prompts.jsonl", sums(3));
  const auto program = scene.start(scene.harvest_words());
  CHECK(eventually([&] { return has(program->err(), "waiting 3600 s"); }));
  const std::int64_t requests = scene.teacher().requests();
  eventually([] { return false; }, 300ms);
  program->send(SIGINT);
  const ProgramEnd end = program->wait(10s);
  CHECK(end.code == 130);
  CHECK(scene.teacher().requests() == requests);
  CHECK(scene.number("SELECT count(*) FROM request WHERE status = 'pending' AND attempts_charged = 0") == 3);
}

// when:  eight requests are refused with 401 while hundreds wait
// then:  not one more is sent than was on the wire
TEST_CASE("a wrong key is not tried on the rest of the prompts", "[e2e][wire]") {
  Scene scene({.scenario = "then: 401", .latency = 100ms});
  scene.write("prompts.jsonl", sums(500));
  CHECK(scene.harvest().code == 4);
  CHECK(scene.teacher().requests() <= 8);
  CHECK(scene.number("SELECT count(*) FROM request WHERE status <> 'pending'") == 0);
}

}  // namespace
}  // namespace retort
