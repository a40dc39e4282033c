// Every way in which a teacher's wire goes wrong, through the real program: what becomes of the prompt, what the exit
// status says, which word the corpus keeps. In each table a line is one scenario. What a pause asks for is in
// wire_pause_test.cpp, what is kept of odd answers in wire_detail_test.cpp.
#include <atomic>
#include <csignal>
#include <functional>
#include <thread>

#include "tests/catch.h"
#include "tests/e2e/scene.h"

namespace retort {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::int64_t kMemoryMaxKib = 2 << 20;  // a sanitizer's shadow counts too
#else
constexpr std::int64_t kMemoryMaxKib = 128 << 10;
#endif

// One line of a table. The first prompt is the blue one; requests go one after the other.
struct Line {
  const char* fault;
  const char* outcome;       ///< of the attempt that met the fault
  const char* word;          ///< its error in the corpus
  bool billed = false;       ///< it may have cost money
  const char* profile = "";  ///< one more line of the profile, "key = value"
};

/// What was seen, gathered in a thread of its own and checked in the test's.
struct Seen {
  std::string problem;
  ProgramEnd end, second;
  std::string blue_status, others, blue_attempts, second_status;
  std::int64_t requests = 0;
  std::string billed;    ///< of the blue attempts without an answer: 0 or 1 each, those that may have been billed
  std::string exported;  ///< what is wrong with the export; empty if it holds the answers, whole, and nothing else
};

constexpr const char* kBlueAttempts =
    "SELECT coalesce(group_concat(outcome || ' ' || coalesce(error, '-'), ', '), '') FROM (SELECT outcome, error FROM "
    "attempt JOIN request ON request.id = request_id JOIN prompt ON prompt.id = prompt_id WHERE messages LIKE '%blue%' "
    "ORDER BY attempt.id)";
constexpr const char* kBlueBilled =
    "SELECT coalesce(group_concat(possibly_billed, ''), '') FROM (SELECT possibly_billed FROM attempt JOIN request ON "
    "request.id = request_id JOIN prompt ON prompt.id = prompt_id WHERE messages LIKE '%blue%' AND outcome <> "
    "'answered' ORDER BY attempt.id)";
constexpr const char* kBlueStatus =
    "SELECT status FROM request JOIN prompt ON prompt.id = prompt_id WHERE messages LIKE '%blue%'";
constexpr const char* kOthers =
    "SELECT coalesce(group_concat(DISTINCT status), '') FROM request JOIN prompt ON prompt.id = prompt_id WHERE "
    "messages NOT LIKE '%blue%'";

Profile profile_of(const Line& line) {
  // Without asking for its models first, so that the fault meets a new connection.
  Profile profile = {{"max_in_flight", "1"}, {"wait_until_ready", "false"}};
  const std::string more = line.profile;
  if (const std::size_t equals = more.find(" = "); equals != std::string::npos)
    profile[more.substr(0, equals)] = more.substr(equals + 3);
  return profile;
}

constexpr const char* kPrompts =
    "{\"prompt\":\"the blue one: 1 + 1\"}\n{\"prompt\":\"2 + 2\"}\n{\"prompt\":\"3 + 3\"}\n";

/// Each line of an export is JSON in valid UTF-8, and there are as many as whole answers.
std::string wrong_with_export(const Scene& scene) {
  const ProgramEnd end = scene.run({"export", "-o", "out.jsonl"});
  if (end.code != 0) return end.err;
  const std::vector<Json> lines = json_lines(scene.read("out.jsonl"));
  const std::int64_t whole = scene.number("SELECT count(*) FROM request WHERE status = 'answered' AND NOT truncated");
  if (static_cast<std::int64_t>(lines.size()) == whole) return {};
  return std::to_string(lines.size()) + " lines of " + std::to_string(whole) + " whole answers";
}

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
    seen.billed = scene.text(kBlueBilled);
    seen.exported = wrong_with_export(scene);
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
  for (int i = 0; i < 16; ++i) {
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
    {"reset", "network", "broken", true},
    {"close", "network", "broken", true},
    {"reset_mid", "network", "broken", true},
    {"trunc", "network", "broken", true},
    {"chunk_trunc", "network", "broken", true},
    {"trunc_json", "failed", "not_json", true},
    {"trailing_junk", "failed", "not_json", true},
    {"bad_status_line", "network", "broken", true},
    {"200_html", "failed", "not_json", true},
    {"200_error", "failed", "error_in_200", true},
    {"200_empty", "failed", "empty_body", true},
    {"204", "failed", "http_204"},
    {"no_choices", "failed", "no_choices", true},
    {"big_body", "network", "too_large", true},
    {"big_chunked", "network", "too_large", true},
    {"big_header", "network", "too_large", true},
    {"gzip_bomb", "network", "too_large", true},
    {"gzip_bad", "network", "broken", true},
    {"bad_utf8", "failed", "not_json", true},
    {"raw_nul", "failed", "not_json", true},
    {"lone_surrogate", "failed", "not_json", true},
    {"deep", "failed", "not_json", true},
    {"deep_closed", "failed", "not_json", true},
    {"slowloris", "timed_out", "timeout", true, kImpatient},
    {"stall", "timed_out", "timeout", true, kImpatient},
    {"stall_mid", "timed_out", "timeout", true, kImpatient},
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
    CHECK(all[i].billed == (kTriedAgain[i].billed ? "1" : "0"));
    CHECK(all[i].exported == "");
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
    CHECK(all[i].billed == (kTriedAgain[i].billed ? "11" : "00"));
    CHECK(all[i].exported == "");
    CHECK(all[i].end.peak_memory_kib < kMemoryMaxKib);
  }
}

constexpr Line kFinal[] = {
    {"400", "failed", "http_400"},
    {"413", "failed", "too_large"},
    {"422", "failed", "http_422"},
    {"null_content", "failed", "null_content", true},
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
    CHECK(all[i].billed == (kFinal[i].billed ? "1" : "0"));
    CHECK(all[i].exported == "");
  }
}

struct Stop {
  const char* fault;
  int code;
  const char* word;
};

constexpr Stop kStops[] = {
    {"401", 4, "http_401"},           {"403", 4, "http_403"},           {"404", 4, "http_404"},
    {"key_echo", 4, "http_401"},      {"key_escaped", 4, "http_401"},   {"redirect", 4, "http_307"},
    {"redirect_loop", 4, "http_307"}, {"redirect_file", 4, "http_302"}, {"insufficient_quota", 5, "quota"},
};

// when:  the fault at the first request
// then:  no other request is sent, everything stays pending, one line says why; mended, the same command finishes
TEST_CASE("a teacher that refuses us ends the run and no row", "[e2e][wire]") {
  const auto all = see_all(std::size(kStops), [](std::size_t i) {
    return see({.fault = kStops[i].fault, .outcome = "refused", .word = kStops[i].word},
               std::string("1: ") + kStops[i].fault, true, {});
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
    CHECK(all[i].billed == "0");
  }
}

constexpr const char* kPauses[] = {"429",      "429_date", "429_past", "429_ms",   "429_body",
                                   "429_none", "429_neg",  "429_junk", "429_zero", "429_reset_zero"};

// when:  the fault three times, then right answers; one attempt a row is all there is
// then:  answered, exit 0: being told to wait costs no attempt
TEST_CASE("a refusal for now costs no attempt", "[e2e][wire]") {
  const auto all = see_all(std::size(kPauses), [](std::size_t i) {
    return see({.fault = kPauses[i], .outcome = "refused", .word = "http_429"}, std::string("1-3: ") + kPauses[i],
               false, {"--attempts", "1"});
  });
  for (std::size_t i = 0; i < all.size(); ++i) {
    CAPTURE(kPauses[i], all[i].end.err);
    CHECK(all[i].problem == "");
    CHECK(all[i].end.code == 0);
    CHECK(all[i].requests == 6);
    CHECK(all[i].blue_status == "answered");
    CHECK(all[i].others == "answered");
    CHECK(has(all[i].blue_attempts, "refused http_429"));
    CHECK_FALSE(has(all[i].billed, "1"));
    CHECK(has(all[i].end.err, "3 refused with 429"));
  }
}

constexpr const char* kOdd[] = {"length",     "content_filter", "wrong_type_ct", "wrong_id", "gzip",    "esc_nul",
                                "bom",        "huge_number",    "neg_usage",     "dup_keys", "chunked", "continue",
                                "conn_close", "close_after",    "until_close",   "stale",    "sse"};

// when:  the oddity in every reply
// then:  each is an answer, each row is asked once
TEST_CASE("what is odd but right is an answer", "[e2e][wire]") {
  const auto all = see_all(std::size(kOdd), [](std::size_t i) {
    return see({.fault = kOdd[i], .outcome = "answered", .word = "-"}, std::string("then: ") + kOdd[i], false,
               {"--attempts", "1"});
  });
  for (std::size_t i = 0; i < all.size(); ++i) {
    CAPTURE(kOdd[i], all[i].end.err);
    CHECK(all[i].problem == "");
    CHECK(all[i].end.code == 0);
    CHECK(all[i].requests == 3);
    CHECK(all[i].blue_attempts == "answered -");
    CHECK(all[i].others == "answered");
    CHECK(all[i].exported == "");
  }
}

// when:  a fault that fails the row for good, then the teacher is well again
// then:  --retry failed asks that row, and only that row, and it is answered
TEST_CASE("what a fault has failed for good is there for --retry failed", "[e2e][wire]") {
  const std::string fault = GENERATE("500", "trunc", "400", "bad_utf8");
  CAPTURE(fault);
  Scene scene({.scenario = "prompt blue first 2: " + fault}, {{"max_in_flight", "1"}});
  scene.write("prompts.jsonl", kPrompts);
  CHECK(scene.harvest({"--attempts", "2"}).code == 3);
  const std::int64_t requests = scene.teacher().requests();
  CHECK(scene.harvest({"--attempts", "2"}).code == 3);
  CHECK(scene.teacher().requests() == requests);

  CHECK(scene.harvest({"--attempts", "2", "--retry", "failed"}).code == (fault == "400" ? 3 : 0));

  CHECK(scene.teacher().requests() == requests + 1);
  CHECK(scene.text(kOthers) == "answered");
  CHECK(scene.text(kBlueStatus) == (fault == "400" ? "failed" : "answered"));
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

// when:  thirty-two replies at once, each a stream of bytes without an end
// then:  all are cut, and together they never take more memory than responses may
TEST_CASE("hostile replies at once stay within the memory for responses", "[e2e][wire]") {
  const std::string fault = GENERATE("big_body", "gzip_bomb");
  CAPTURE(fault);
  constexpr std::int64_t kResponsesKib = 256 << 10;
  Scene scene({.scenario = "then: " + fault}, {{"max_in_flight", "32"}});
  scene.write("prompts.jsonl", sums(32));

  const ProgramEnd end = scene.harvest({"--attempts", "1"});

  CHECK(end.code == 3);
  CHECK(scene.number("SELECT count(*) FROM attempt WHERE error = 'too_large'") == 32);
  CHECK(end.peak_memory_kib < kMemoryMaxKib + kResponsesKib);
}

}  // namespace
}  // namespace retort
