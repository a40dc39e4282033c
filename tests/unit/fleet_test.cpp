// Which of several endpoints is asked next, and what follows from how it went.
#include "core/harvest/fleet.h"

#include <map>
#include <set>

#include "core/harvest/pace.h"
#include "core/harvest/rate_limiter.h"
#include "tests/catch.h"

using namespace retort;

namespace {

constexpr Instant kStart{1'000'000'000'000};

struct Quiet final : HarvestObserver {
  Instant progress(const HarvestStats&, Instant) override { return Instant::never(); }
  void notice(const std::string& line) override { lines.push_back(line); }
  std::vector<std::string> lines;
};

Work work(int prompt) {
  Work work;
  work.question.messages = Json::array({{{"role", "user"}, {"content", std::to_string(prompt)}}});
  return work;
}

/// Sends and ends requests, as the harvester does.
struct Scene {
  explicit Scene(int count, int in_flight_max = 64)
      : limiter({.in_flight_max = 1000}, pace, kStart), fleet(urls(count), settings, in_flight_max, observer, random) {
    limiter.concurrency().follow(1000);
  }
  static std::vector<std::string> urls(int count) {
    std::vector<std::string> urls;
    for (int i = 0; i < count; ++i) urls.push_back("http://10.0.0." + std::to_string(i + 1) + "/v1");
    return urls;
  }
  Flight send(Work one, Instant now) {
    HttpRequest request;
    request.url = "http://10.0.0.1/v1/chat/completions";
    const Place place = fleet.choose(one, request, now);
    CHECK(request.url == fleet.url(place) + "/chat/completions");
    auto permit = limiter.acquire({}, now);
    return {1, std::move(one), std::move(std::get<Permit>(permit)), {}, now, {}, {}, {}, {}, place};
  }
  /// True if the trouble is the teacher's.
  bool ended(Flight flight, Trouble trouble, Instant now, Verdict* told = nullptr) {
    Verdict verdict;
    verdict.trouble = trouble;
    verdict.next = trouble == Trouble::none ? Verdict::Next::done : Verdict::Next::retry;
    verdict.word = "connect";
    verdict.wait = 3s;
    if (trouble == Trouble::unreachable) verdict.hold = 2s;
    const std::optional<Cost> actual = trouble == Trouble::none ? std::optional(Cost{10, 10, {}}) : std::nullopt;
    const bool whole = fleet.heard(flight, {}, verdict, actual, now);
    limiter.settle(std::move(flight.permit), {});
    failed_at = flight.work.failed_at;
    if (told) *told = verdict;
    return whole;
  }

  RetrySettings settings;
  Quiet observer;
  Random random{7};
  PrivatePace pace;
  RateLimiter limiter;
  Fleet fleet;
  int failed_at = -1;
};

}  // namespace

TEST_CASE("a prompt's samples go to one endpoint, prompts to all of them, and one more moves few") {
  Scene three(3), four(4);
  std::map<std::size_t, int> count;
  int moved = 0;
  for (int prompt = 0; prompt < 3000; ++prompt) {
    std::set<std::size_t> places;
    for (int sample = 0; sample < 3; ++sample) {
      Flight flight = three.send(work(prompt), kStart);
      places.insert(flight.place.endpoint);
      three.ended(std::move(flight), Trouble::none, kStart + 1s);
    }
    CHECK(places.size() == 1);
    ++count[*places.begin()];
    Flight flight = four.send(work(prompt), kStart);
    moved += flight.place.endpoint != *places.begin();
    four.ended(std::move(flight), Trouble::none, kStart + 1s);
  }
  for (const auto& [endpoint, prompts] : count) CHECK(prompts > 900);
  CHECK(moved > 600);
  CHECK(moved < 900);  // a quarter
}

TEST_CASE("turns of a conversation stay where it began") {
  Scene scene(4);
  RequestSpec origin;
  origin.prompt.source = "prompts.jsonl";
  for (int row = 1; row <= 50; ++row) {
    origin.prompt.row = row;
    std::set<std::size_t> places;
    for (int turn = 0; turn < 3; ++turn) {
      Work one = work(row * 10 + turn);
      one.origin = std::make_shared<const RequestSpec>(origin);
      Flight flight = scene.send(std::move(one), kStart);
      places.insert(flight.place.endpoint);
      scene.ended(std::move(flight), Trouble::none, kStart + 1s);
    }
    CHECK(places.size() == 1);
  }
}

TEST_CASE("beyond its window a prompt goes where least is to do, and room is what all can take") {
  Scene scene(2);
  const int room = scene.fleet.room(kStart);
  CHECK(room == 16);  // two starts
  std::vector<Flight> flights;
  for (int i = 0; i < room; ++i) flights.push_back(scene.send(work(1), kStart));
  int first = 0;
  for (const Flight& flight : flights) first += flight.place.endpoint == flights.front().place.endpoint;
  CHECK(first == 8);
  CHECK(scene.fleet.room(kStart) == 16);
  for (Flight& flight : flights) scene.ended(std::move(flight), Trouble::none, kStart + 1s);
  CHECK(scene.fleet.room(kStart) > 16);  // each window grew with its answers
}

TEST_CASE("an endpoint that cannot be reached is left alone, tried by single requests, and taken back") {
  Scene scene(2);
  std::vector<Flight> flights;
  for (int i = 0; i < 16; ++i) flights.push_back(scene.send(work(i), kStart));
  const std::size_t dead = flights.front().place.endpoint;
  Verdict verdict;
  CHECK_FALSE(scene.ended(std::move(flights.front()), Trouble::unreachable, kStart, &verdict));
  CHECK_FALSE(verdict.hold);  // the teacher is not held
  CHECK(verdict.wait == Duration{});
  CHECK(scene.failed_at == static_cast<int>(dead));
  REQUIRE(scene.observer.lines.size() == 1);
  CHECK_THAT(scene.observer.lines[0], ContainsText("does not answer (connect); its work goes to the others"));
  for (std::size_t i = 1; i < flights.size(); ++i)
    scene.ended(std::move(flights[i]), flights[i].place.endpoint == dead ? Trouble::unreachable : Trouble::none,
                kStart + 1s);
  CHECK(scene.observer.lines.size() == 1);

  const Instant due = scene.fleet.next_due(kStart + 1s);
  REQUIRE_FALSE(due.is_never());
  CHECK(due - kStart >= 1s);
  CHECK(due - kStart <= 62s);
  for (int i = 0; i < 50; ++i) {
    Flight flight = scene.send(work(i), due - 1ms);
    CHECK(flight.place.endpoint != dead);
    scene.ended(std::move(flight), Trouble::none, due - 1ms);
  }
  // Then one request finds out; others do not wait for it, nor does one that it has failed already.
  Work again = work(1);
  again.failed_at = static_cast<int>(dead);
  Flight elsewhere = scene.send(std::move(again), due);
  CHECK(elsewhere.place.endpoint != dead);
  Flight probe = scene.send(work(1), due);
  CHECK(probe.place.endpoint == dead);
  Flight other = scene.send(work(1), due);
  CHECK(other.place.endpoint != dead);
  CHECK(scene.fleet.history(probe).teacher_down);
  CHECK_FALSE(scene.fleet.history(other).teacher_down);
  scene.ended(std::move(elsewhere), Trouble::none, due + 1s);
  scene.ended(std::move(other), Trouble::none, due + 1s);
  CHECK(scene.ended(std::move(probe), Trouble::none, due + 1s));
  CHECK_THAT(scene.observer.lines.back(), ContainsText("answers again"));
  CHECK(scene.fleet.next_due(due + 1s).is_never());
}

TEST_CASE("the last living endpoint's trouble, and every refusal, is the teacher's") {
  Scene scene(2);
  Verdict verdict;
  CHECK(scene.ended(scene.send(work(1), kStart), Trouble::refusal, kStart, &verdict));
  Flight one = scene.send(work(1), kStart);
  const auto place = static_cast<int>(one.place.endpoint);
  CHECK_FALSE(scene.ended(std::move(one), Trouble::unreachable, kStart));
  Flight two = scene.send(work(1), kStart);
  CHECK(static_cast<int>(two.place.endpoint) != place);
  CHECK(scene.ended(std::move(two), Trouble::unreachable, kStart, &verdict));
  CHECK(verdict.hold == Duration(2s));
  CHECK(scene.fleet.room(kStart) == 0);
  CHECK_FALSE(scene.fleet.next_due(kStart).is_never());
}

TEST_CASE("an endpoint that hangs takes no room from the others") {
  Scene scene(2);
  std::vector<Flight> hanging;
  std::size_t dead = 2;
  for (int i = 0; i < 16; ++i) {
    Flight flight = scene.send(work(i), kStart);
    if (dead == 2) dead = flight.place.endpoint;
    if (flight.place.endpoint == dead)
      hanging.push_back(std::move(flight));
    else
      scene.ended(std::move(flight), Trouble::none, kStart + 1s);
  }
  const int room = scene.fleet.room(kStart + 2s);
  CHECK(room >= static_cast<int>(hanging.size()) + 8);
  // Ten failures in a row open its circuit; until then it may be one request's fault.
  while (hanging.size() < 12) {
    Flight flight = scene.send(work(static_cast<int>(hanging.size())), kStart);
    if (flight.place.endpoint == dead)
      hanging.push_back(std::move(flight));
    else
      scene.ended(std::move(flight), Trouble::none, kStart + 1s);
    if (hanging.size() == 8) break;
  }
  for (Flight& flight : hanging) CHECK_FALSE(scene.ended(std::move(flight), Trouble::failing, kStart + 60s));
  CHECK(scene.fleet.next_due(kStart + 60s).is_never());
  for (int i = 0; i < 200 && scene.fleet.next_due(kStart + 61s).is_never(); ++i) {
    Flight flight = scene.send(work(i), kStart + 61s);
    const bool there = flight.place.endpoint == dead;
    scene.ended(std::move(flight), there ? Trouble::failing : Trouble::none, kStart + 61s);
  }
  CHECK_FALSE(scene.fleet.next_due(kStart + 61s).is_never());
}
