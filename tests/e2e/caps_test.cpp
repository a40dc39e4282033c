// One's own limits on money, tokens, requests and time: reached, they stop the harvest, and the teacher's own count
// never stands above them.
#include "tests/catch.h"
#include "tests/e2e/scene.h"

namespace retort {
namespace {

std::int64_t answered(const Scene& scene) {
  return scene.number("SELECT count(*) FROM request WHERE status = 'answered'");
}

// when:  a cap on requests, with many more in flight allowed
// then:  exit 5, not one request above the cap at the teacher, one line that says why; a higher cap goes on from there
TEST_CASE("a cap on requests holds at the teacher's own count, and a higher one goes on", "[e2e][caps]") {
  Scene scene({.latency = 20ms}, {{"max_in_flight", "64"}});
  scene.write("prompts.jsonl", sums(200));

  const ProgramEnd end = scene.harvest({"--max-requests", "50"});

  CAPTURE(end.err);
  CHECK(end.code == 5);
  CHECK(has(said(end).back(), "--max-requests 50"));
  CHECK(scene.teacher().requests() == 50);
  CHECK(answered(scene) == 50);
  CHECK(scene.number("SELECT count(*) FROM request WHERE status = 'failed'") == 0);

  // The cap is the corpus's, not the run's.
  CHECK(scene.harvest({"--max-requests", "50"}).code == 5);
  CHECK(scene.teacher().requests() == 50);

  CHECK(scene.harvest({"--max-requests", "120"}).code == 5);
  CHECK(scene.teacher().requests() == 120);
  CHECK(scene.harvest().code == 0);
  CHECK(scene.teacher().requests() == 200);
  CHECK(answered(scene) == 200);
}

// when:  requests are refused or fail under a cap
// then:  they count as the teacher counts them: it is never asked more often than the cap says
TEST_CASE("failures count against a cap on requests", "[e2e][caps]") {
  Scene scene({.scenario = "every 3: 500", .latency = 5ms});
  scene.write("prompts.jsonl", sums(100));
  CHECK(scene.harvest({"--max-requests", "40"}).code == 5);
  CHECK(scene.teacher().requests() <= 40);
  CHECK(scene.teacher().requests() >= 30);
}

// when:  a cap on money or tokens, with a price and a bound for each answer
// then:  exit 5; what the answers cost in truth is below the cap, and most of it was used; a higher cap goes on
TEST_CASE("caps on money and tokens hold, and most of them is used", "[e2e][caps]") {
  Scene scene({.latency = 10ms}, {{"max_in_flight", "64"}, {"price_output_per_million", "1000"}});
  scene.write("prompts.jsonl", sums(300));
  constexpr const char* kTokens = "SELECT coalesce(sum(input_tokens + output_tokens), 0) FROM response";
  constexpr const char* kMillidollars = "SELECT cast(coalesce(sum(cost_usd), 0) * 1000 AS INTEGER) FROM response";
  SECTION("money") {
    const ProgramEnd end = scene.harvest({"--max-usd", "3", "--max-tokens", "100"});
    CAPTURE(end.err);
    CHECK(end.code == 5);
    CHECK(has(said(end).back(), "--max-usd 3"));
    CHECK(scene.number(kMillidollars) <= 3000);
    CHECK(scene.number(kMillidollars) >= 2700);  // what one answer may cost is left
  }
  SECTION("tokens") {
    const ProgramEnd end = scene.harvest({"--max-total-tokens", "4000", "--max-tokens", "100"});
    CAPTURE(end.err);
    CHECK(end.code == 5);
    CHECK(has(said(end).back(), "--max-total-tokens 4000"));
    CHECK(scene.number(kTokens) <= 4000);
    CHECK(scene.number(kTokens) >= 3500);
  }
  CHECK(answered(scene) == scene.teacher().requests());
  CHECK(answered(scene) < 300);
  CHECK(scene.harvest({"--max-usd", "1000", "--max-tokens", "100"}).code == 0);
  CHECK(answered(scene) == 300);
  CHECK(scene.teacher().requests() == 300);
}

// when:  the time given with --until is over
// then:  exit 5; nothing is sent from then on, what is on the wire is kept
TEST_CASE("from the time of --until on nothing is sent", "[e2e][caps]") {
  Scene scene({.latency = 100ms}, {{"requests_per_minute", "1200"}});
  scene.write("prompts.jsonl", sums(400));
  const ProgramEnd end = scene.harvest({"--until", "2s"});
  CAPTURE(end.err);
  CHECK(end.code == 5);
  const auto log = scene.teacher().log();
  REQUIRE(!log.empty());
  CHECK(log.back().at - log.front().at < 2500ms);
  CHECK(log.size() < 100);
  CHECK(answered(scene) == static_cast<std::int64_t>(log.size()));
}

TEST_CASE("a cap that cannot hold is refused before the first request", "[e2e][caps]") {
  Scene scene;
  scene.write("prompts.jsonl", sums(3));
  const auto words =
      GENERATE(as<std::vector<std::string>>{}, std::vector<std::string>{"--max-usd", "1"},
               std::vector<std::string>{"--max-usd", "1", "--max-tokens", "100"},
               std::vector<std::string>{"--max-total-tokens", "100"}, std::vector<std::string>{"--until", "yesterday"});
  CHECK(scene.harvest(words).code == 2);
  CHECK(scene.teacher().requests() == 0);
}

}  // namespace
}  // namespace retort
