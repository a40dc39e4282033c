#include "core/harvest/fleet.h"

#include <algorithm>
#include <charconv>

#include "core/base/assert.h"

namespace retort {
namespace {

std::uint64_t mixed(std::uint64_t word) {
  word = (word ^ (word >> 30)) * 0xbf58476d1ce4e5b9ULL;
  word = (word ^ (word >> 27)) * 0x94d049bb133111ebULL;
  return word ^ (word >> 31);
}

std::uint64_t hash_of(const std::string& text) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return mixed(hash);
}

// What keeps together: the turns of a conversation share the row that they came from, samples the digest of the prompt.
std::uint64_t key_of(const Work& work) {
  if (work.origin)
    return mixed(hash_of(work.origin->prompt.source) + static_cast<std::uint64_t>(work.origin->prompt.row));
  const std::string& digest = work.question.messages.digest();
  std::uint64_t key = 0;
  std::from_chars(digest.data(), digest.data() + 16, key, 16);
  return key;
}

}  // namespace

Fleet::Fleet(std::vector<std::string> urls, const RetrySettings& settings, int in_flight_max, HarvestObserver& observer,
             Random& random)
    : settings_(settings), observer_(observer), random_(random) {
  RETORT_ASSERT(urls.size() > 1);
  for (std::string& url : urls) {
    const std::uint64_t salt = hash_of(url);
    endpoints_.push_back({std::move(url), salt, TeacherHealth(settings.patience), Concurrency(in_flight_max)});
  }
}

int Fleet::room(Instant now) const {
  int sum = 0;
  for (const Endpoint& endpoint : endpoints_) sum += std::max(endpoint.limit(now), endpoint.in_flight);
  return sum;
}

Instant Fleet::next_due(Instant now) const {
  Instant next = Instant::never();
  for (const Endpoint& endpoint : endpoints_) {
    if (endpoint.held_until > now) next = std::min(next, endpoint.held_until);
  }
  return next;
}

std::size_t Fleet::pick(const Work& work, Instant now) const {
  const std::uint64_t key = key_of(work);
  std::size_t home = 0, idlest = 0;
  std::uint64_t highest = 0;
  double least = 2;
  for (std::size_t i = 0; i < endpoints_.size(); ++i) {
    const Endpoint& endpoint = endpoints_[i];
    const bool again = work.failed_at == static_cast<int>(i);
    if (endpoint.health.down()) {
      if (endpoint.has_room(now) && !again) return i;
    } else if (const std::uint64_t weight = mixed(key ^ endpoint.salt); weight >= highest) {
      highest = weight;
      home = i;
    }
    if (!endpoint.has_room(now)) continue;
    // Where it failed is asked again only if nobody else is left.
    const double load = again ? 1.5 : static_cast<double>(endpoint.in_flight) / endpoint.limit(now);
    if (load >= least) continue;
    least = load;
    idlest = i;
  }
  const Endpoint& best = endpoints_[home];
  const bool at_home = !best.health.down() && best.has_room(now) && work.failed_at != static_cast<int>(home);
  const std::size_t chosen = at_home ? home : idlest;
  RETORT_ASSERT(endpoints_[chosen].has_room(now));
  return chosen;
}

Place Fleet::choose(const Work& work, HttpRequest& request, Instant now) {
  const std::size_t chosen = pick(work, now);
  place(request, chosen);
  return {chosen, ++endpoints_[chosen].in_flight};
}

void Fleet::turn_to_next(HttpRequest& request) { place(request, next_asked_++ % endpoints_.size()); }

void Fleet::place(HttpRequest& request, std::size_t endpoint) const {
  request.url.replace(0, endpoints_.front().url.size(), endpoints_[endpoint].url);
}

AttemptHistory Fleet::history(const Flight& flight) const {
  const TeacherHealth& health = endpoints_[flight.place.endpoint].health;
  return {flight.work.attempts_charged, flight.work.timeouts, health.rounds(), health.down()};
}

bool Fleet::others_are_up(const Endpoint& endpoint) const {
  return std::any_of(endpoints_.begin(), endpoints_.end(),
                     [&](const Endpoint& other) { return &other != &endpoint && !other.health.down(); });
}

bool Fleet::heard(Flight& flight, const AttemptFacts& facts, Verdict& verdict, const std::optional<Cost>& actual,
                  Instant now) {
  Endpoint& endpoint = endpoints_[flight.place.endpoint];
  const bool in_use = endpoint.in_flight >= 0.8 * endpoint.window.limit();
  --endpoint.in_flight;
  if (verdict.trouble == Trouble::refusal) {
    // A limit is the teacher's, whichever endpoint tells of it.
    const bool names_none = facts.signals.announced.empty() && !facts.signals.retry_after;
    if (names_none) endpoint.window.refused(flight.sent, flight.place.in_flight, now);
    return true;
  }
  if (verdict.trouble == Trouble::none) {
    if (verdict.next == Verdict::Next::stop_teacher) {
      verdict.detail += " (" + endpoint.url + ")";
      return true;
    }
    if (endpoint.health.down()) observer_.notice(endpoint.url + " answers again");
    endpoint.health.alive();
    endpoint.held_until = {};
    if (actual)
      endpoint.window.answered(
          {flight.sent, now - flight.sent, static_cast<double>(actual->output), flight.place.in_flight, in_use}, now);
    return true;
  }
  const bool others = others_are_up(endpoint);
  flight.work.failed_at = static_cast<int>(flight.place.endpoint);
  trouble(endpoint, flight, verdict, others, now);
  // Who asks to be left alone is a limit, whatever the others would take.
  if (!others || facts.signals.retry_after) return true;
  verdict.hold.reset();
  verdict.wait = {};
  return false;
}

void Fleet::trouble(Endpoint& endpoint, const Flight& flight, Verdict& verdict, bool others, Instant now) {
  const bool was_down = endpoint.health.down();
  endpoint.health.trouble(verdict.trouble, flight.sent, now);
  if (endpoint.health.down()) {
    endpoint.window.probe_only();
    if (!was_down) {
      observer_.notice(endpoint.url + " does not answer (" + verdict.word + ")" +
                       (others ? "; its work goes to the others" : ""));
    }
    // While others work, looking again is not urgent; each look costs one request a little time.
    RetrySettings soon = settings_;
    if (!others) soon.backoff_cap = std::min(soon.backoff_cap, soon.reconnect_cap);
    const Duration pause = std::max<Duration>(1s, full_jitter(soon, endpoint.health.rounds(), random_));
    endpoint.held_until = std::max(endpoint.held_until, now + pause);
  }
  // A server that asks to be left alone for a while is, whatever the others do.
  if (verdict.hold && (!was_down || !others)) endpoint.held_until = std::max(endpoint.held_until, now + *verdict.hold);
}

}  // namespace retort
