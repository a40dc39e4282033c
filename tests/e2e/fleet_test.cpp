// One teacher with two servers, through the real program and real sockets: one of them is killed and comes back.
#include <chrono>
#include <thread>

#include "tests/catch.h"
#include "tests/e2e/scene.h"

using namespace retort;

namespace {

constexpr auto kLook = std::chrono::milliseconds(5);

struct Two {
  explicit Two(Duration latency = 20ms) : scene({.latency = latency}) {
    auto started = FakeTeacher::start({.latency = latency});
    if (!started) throw std::runtime_error(started.error().message);
    other = std::move(*started);
    use("[\"" + scene.teacher().base_url() + "\", \"" + other->base_url() + "\"]");
  }
  void use(const std::string& urls, const std::string& in_flight = "8") {
    scene.configure({{"base_url", ""}, {"base_urls", urls}, {"max_in_flight", in_flight}});
  }
  std::int64_t at(const FakeTeacher& teacher, const std::string& outcome) const {
    const std::string sql =
        "SELECT count(*) FROM attempt WHERE endpoint = '" + teacher.base_url() + "' AND outcome = '" + outcome + "'";
    return scene.number(sql.c_str());
  }
  template <class Reached>
  void wait(Reached reached) const {
    for (int i = 0; i < 4000 && !reached(); ++i) std::this_thread::sleep_for(kLook);
    REQUIRE(reached());
  }

  Scene scene;
  std::unique_ptr<FakeTeacher> other;
};

}  // namespace

TEST_CASE("two servers share the work, each prompt's samples stay together, and the corpus says where",
          "[e2e][fleet]") {
  Two two(1ms);
  two.scene.write("prompts.jsonl", sums(60));
  REQUIRE(two.scene.harvest({"-n", "3"}).code == 0);
  FakeTeacher& one = two.scene.teacher();
  CHECK(one.requests() + two.other->requests() == 180);
  CHECK(one.requests() >= 40);
  CHECK(two.other->requests() >= 40);
  CHECK(two.at(one, "answered") == one.delivered());
  CHECK(two.at(*two.other, "answered") == two.other->delivered());
  // Hardly any prompt was asked at both: only where its own server's window was full.
  const auto split = two.scene.number(
      "SELECT count(*) FROM (SELECT prompt_id FROM request JOIN attempt ON attempt.request_id = request.id "
      "GROUP BY prompt_id HAVING count(DISTINCT endpoint) > 1)");
  CHECK(split <= 20);
  // Where it was asked is no part of what was asked.
  two.use("[\"" + two.other->base_url() + "\"]");
  REQUIRE(two.scene.harvest({"-n", "3"}).code == 0);
  CHECK(one.requests() + two.other->requests() == 180);
}

TEST_CASE("a test of a fleet asks each of its servers, and names the one that does not answer", "[e2e][fleet]") {
  Two two(0ms);
  const ProgramEnd both = two.scene.run({"teacher", "test", "fake", "--json"});
  CHECK(both.code == 0);
  CHECK_THAT(both.out, ContainsText("\"asked\":\"" + two.scene.teacher().base_url()));
  CHECK_THAT(both.out, ContainsText("\"asked\":\"" + two.other->base_url()));
  CHECK(two.scene.teacher().requests() == 1);
  CHECK(two.other->requests() == 1);
  two.other->vanish();
  const ProgramEnd one = two.scene.run({"teacher", "test", "fake"});
  CHECK(one.code == 4);
  CHECK_THAT(one.out, ContainsText("status: 200"));
  CHECK_THAT(one.err, ContainsText("no answer from " + two.other->base_url()));
  CHECK_THAT(one.err, ContainsText("1 of 2 servers of fake did not answer"));
}

TEST_CASE("one of two servers is killed: no answer is lost, and it gets work again when it is back", "[e2e][fleet]") {
  Two two;
  two.scene.write("prompts.jsonl", sums(900));
  FakeTeacher& one = two.scene.teacher();
  auto harvest = two.scene.start({"harvest", "prompts.jsonl", "-t", "fake"});
  two.wait([&] { return one.requests() >= 20 && two.other->requests() >= 20; });
  two.other->vanish();
  const std::int64_t then = two.other->requests();
  two.wait([&] { return one.requests() >= 120; });
  two.other->come_back();
  two.wait([&] { return two.other->requests() >= then + 20; });
  const ProgramEnd end = harvest->wait();
  CHECK(end.code == 0);
  CHECK_THAT(end.err, ContainsText(two.other->base_url() + " does not answer"));
  CHECK_THAT(end.err, ContainsText("its work goes to the others"));
  CHECK_THAT(end.err, ContainsText(two.other->base_url() + " answers again"));
  CHECK(two.scene.number("SELECT count(*) FROM request WHERE status = 'answered'") == 900);
  CHECK(two.scene.number("SELECT count(*) FROM response") == 900);
  // Attempts that it took down are on record, with where they were; a refused connection burns no attempt. (Nor does
  // one that was cut while the server was already known to be down: those are refused as well, as "reset".)
  CHECK(two.at(*two.other, "network") + two.at(*two.other, "refused") > 0);
  CHECK(two.at(one, "network") + two.at(one, "refused") == 0);
  CHECK(two.scene.number("SELECT count(*) FROM attempt WHERE outcome <> 'refused' AND error = 'connect'") == 0);
  CHECK(two.at(one, "answered") + two.at(*two.other, "answered") == 900);
}

TEST_CASE("a server that is dead from the start keeps nothing from being asked", "[e2e][fleet]") {
  Two two(1ms);
  two.scene.teacher().vanish();  // the first, which stands for the teacher
  two.scene.write("prompts.jsonl", sums(100));
  const ProgramEnd end = two.scene.harvest();
  CHECK(end.code == 0);
  CHECK(two.other->delivered() == 100);
  CHECK(two.scene.number("SELECT count(*) FROM request WHERE status = 'answered'") == 100);
}

TEST_CASE("places that are not one's own are refused in one line, before anything is sent", "[e2e][fleet]") {
  Two two;
  two.scene.write("prompts.jsonl", sums(3));
  two.use("[\"" + two.other->base_url() + "\", \"https://gpu.example.org/v1\"]");
  const ProgramEnd end = two.scene.harvest();
  CHECK(end.code == 2);
  CHECK(lines_of(end.err).size() == 1);
  CHECK_THAT(end.err, ContainsText("retort.toml: [teacher.fake] 'base_urls' are servers of one's own"));
  CHECK(two.other->requests() == 0);
}
