// How many at once: found out from refusals, and from a server that only gets slow.
#include "core/harvest/concurrency.h"
#include "tests/catch.h"
#include "tests/simulation/sim_teacher.h"

using namespace retort;

namespace {

constexpr Instant kStart{1'000'000'000'000};

/// Drives a batching server at the limit for so long; the mean number in flight of the last half.
double settles_at(int batch, int most, Duration length) {
  Random random(7);
  Concurrency concurrency(most);
  simulation::BatchingServer server(batch, 50, 100ms);
  struct Sent {
    Instant at;
    double tokens;
    int in_flight;
  };
  std::map<std::uint64_t, Sent> flights;
  std::uint64_t id = 0;
  double sum = 0;
  int samples = 0;
  for (Instant now = kStart; now < kStart + length;) {
    while (static_cast<int>(flights.size()) < concurrency.limit()) {
      const double tokens = simulation::log_normal(random, 200, 0.8);
      server.arrive(++id, tokens, now);
      flights[id] = {now, tokens, static_cast<int>(flights.size()) + 1};
    }
    const auto done = server.next();
    now = done->first;
    const Sent sent = flights.at(done->second);
    const bool in_use = static_cast<int>(flights.size()) >= 0.8 * concurrency.limit();
    flights.erase(done->second);
    server.complete(now);
    concurrency.answered({sent.at, now - sent.at, sent.tokens, sent.in_flight, in_use}, now);
    if (now < kStart + length / 2) continue;
    sum += static_cast<double>(flights.size());
    ++samples;
  }
  return sum / samples;
}

}  // namespace

TEST_CASE("the knee of a server that never refuses is found") {
  for (const int batch : {8, 64}) {
    const double mean = settles_at(batch, 1024, 30min);
    INFO("batch " << batch << ": " << mean);
    CHECK(mean > 0.9 * batch);
    CHECK(mean < 1.35 * batch);
  }
}

TEST_CASE("a limit that is far below the knee is used in full, and a server that slows down is still noticed") {
  Concurrency concurrency(100);
  Instant now = kStart;
  // A server that takes so long for every answer, whatever is in flight; the share of the limit that was used.
  const auto share_used = [&](Duration latency, int rounds) {
    double sum = 0;
    for (int round = 0; round < rounds; ++round) {
      const int in_flight = concurrency.limit();
      sum += in_flight;
      for (int i = 0; i < in_flight; ++i) concurrency.answered({now, latency, 100, in_flight, true}, now + latency);
      now = now + latency;
    }
    return sum / rounds / 100;
  };
  share_used(1s, 100);
  CHECK(share_used(1s, 400) > 0.99);
  // Half as fast, and from now on the throughput is the same however many are asked.
  const auto slows = [&] {
    const int in_flight = concurrency.limit();
    const Duration latency = from_seconds(in_flight / 50.0);
    for (int i = 0; i < in_flight; ++i) concurrency.answered({now, latency, 100, in_flight, true}, now + latency);
    now = now + latency;
  };
  int rounds = 0;
  while (concurrency.limit() > 70 && ++rounds < 100) slows();
  CHECK(rounds < 20);
}

TEST_CASE("a limit that is not in use does not grow") {
  Concurrency concurrency(1000);
  const int before = concurrency.limit();
  for (int i = 0; i < 500; ++i) concurrency.answered({kStart, 1s, 100, 2, false}, kStart + 1s);
  CHECK(concurrency.limit() == before);
  for (int i = 0; i < 8; ++i) concurrency.answered({kStart, 1s, 100, before, true}, kStart + 1s);
  CHECK(concurrency.limit() == 2 * before);  // slow start: one more for each answer
}

TEST_CASE("refusals of requests that were under way together cut once") {
  Concurrency concurrency(1000);
  for (int i = 0; i < 100; ++i) concurrency.answered({kStart, 1s, 100, 8, true}, kStart + 1s);
  const int before = concurrency.limit();
  concurrency.refused(kStart + 1s, before, kStart + 2s);
  const int after = concurrency.limit();
  CHECK(after < before);
  concurrency.refused(kStart + 1s, before, kStart + 2s);  // sent before the cut
  CHECK(concurrency.limit() == after);
  concurrency.refused(kStart + 3s, after, kStart + 4s);
  CHECK(concurrency.limit() < after);
}

TEST_CASE("a teacher in trouble is asked one at a time until it answers") {
  Concurrency concurrency(1000);
  concurrency.probe_only();
  CHECK(concurrency.limit() == 1);
  concurrency.answered({kStart, 1s, 100, 1, true}, kStart + 1s);
  CHECK(concurrency.limit() == 8);
}
