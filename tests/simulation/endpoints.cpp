#include "tests/simulation/endpoints.h"

#include <cstdlib>

namespace retort::simulation {
namespace {

// What was on its way when it died, and the round trip of the first that was refused.
constexpr Duration kKnownAfter = 3s;
// One look a second of each process, and what a few of them need to find out.
constexpr double kLooksPerSecond = 1.2;
constexpr std::int64_t kLooksMore = 16;
// The longest pause between two looks, and then some.
constexpr Duration kBackWithin = 90s;
constexpr std::int64_t kWorkEnough = 200;

}  // namespace

Endpoints::Endpoints(Timeline& timeline, EndpointSettings settings, int processes, Random& random, Audit& audit,
                     Victim& victim)
    : timeline_(timeline), settings_(settings), processes_(processes), random_(random), audit_(audit), victim_(victim) {
  all_.resize(static_cast<std::size_t>(settings.count));
  if (settings_.dies_every == Duration::zero()) return;
  for (std::uint64_t i = settings_.one_stays ? 1 : 0; i < all_.size(); ++i)
    timeline_.after(random_.jitter(2 * settings_.dies_every), *this, kDies, i);
}

std::vector<std::string> Endpoints::urls(int count) {
  std::vector<std::string> urls;
  for (int i = 0; count > 1 && i < count; ++i) urls.push_back("http://sim" + (i ? std::to_string(i) : "") + "/v1");
  return urls;
}

int Endpoints::number_in(const std::string& url) {
  constexpr std::size_t kAfterName = 10;  // "http://sim"
  return std::atoi(url.c_str() + std::min(kAfterName, url.size()));
}

void Endpoints::happen(std::uint32_t what, std::uint64_t which) {
  Endpoint& endpoint = all_[which];
  endpoint.since = timeline_.now();
  endpoint.asked_since = endpoint.others_since = 0;
  if (what == kReturns) {
    endpoint.state = State::up;
    endpoint.unasked_since = timeline_.now();
    timeline_.after(random_.jitter(2 * settings_.dies_every), *this, kDies, which);
    return;
  }
  ++deaths_;
  endpoint.state = random_.chance(settings_.hangs) ? State::hangs : State::refuses;
  timeline_.after(random_.jitter(2 * settings_.dead_for), *this, kReturns, which);
  if (endpoint.state == State::refuses) victim_.endpoint_died(static_cast<int>(which));
}

void Endpoints::asked(int number) {
  const Instant now = timeline_.now();
  Endpoint& endpoint = all_[static_cast<std::size_t>(number)];
  ++endpoint.asked;
  endpoint.others_since = 0;
  endpoint.unasked_since = now;
  if (endpoint.state == State::refuses && now - endpoint.since > kKnownAfter) {
    const double looks = kLooksPerSecond * seconds(now - endpoint.since) + kLooksMore;
    if (static_cast<double>(++endpoint.asked_since) > looks * processes_)
      audit_.find("a dead endpoint is asked again and again");
  }
  for (Endpoint& other : all_) {
    if (&other == &endpoint || other.state != State::up) continue;
    if (++other.others_since > kWorkEnough && now - other.unasked_since > kBackWithin)
      audit_.find("an endpoint that is back is not asked");
  }
}

void Endpoints::forgotten() {
  for (Endpoint& endpoint : all_) {
    endpoint.since = timeline_.now();
    endpoint.unasked_since = timeline_.now();
    endpoint.others_since = endpoint.asked_since = 0;
  }
}

}  // namespace retort::simulation
