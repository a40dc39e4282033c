#include "tests/simulation/wire.h"

#include <algorithm>
#include <utility>

namespace retort::simulation {
namespace {
constexpr ServerKey kNoKey = ~0ULL;
}  // namespace

void Wire::submit(Caller& caller, ExchangeId id, std::int64_t prompt, const HttpRequest& request) {
  if (free_.empty()) {
    free_.push_back(exchanges_.size());
    exchanges_.emplace_back();
  }
  const std::size_t slot = free_.back();
  free_.pop_back();
  Exchange& exchange = exchanges_[slot];
  const std::uint32_t generation = exchange.generation + 1;
  exchange = Exchange{};
  exchange.generation = generation;
  exchange.caller = &caller;
  exchange.id = id;
  exchange.prompt = prompt;
  exchange.submitted = timeline_.now();
  exchange.deadline = timeline_.now() + request.total_timeout;
  const ServerKey key = (static_cast<ServerKey>(generation) << 32) | slot;
  open_[&caller][id.value] = key;
  What what = kArrive;
  if (down_ || random_.chance(settings_.unreachable)) {
    what = kRefuse;
  } else if (random_.chance(settings_.reset)) {
    what = kReset;
  } else if (endpoints_ != nullptr) {
    exchange.endpoint = Endpoints::number_in(request.url);
    if (prompt > 0) endpoints_->asked(exchange.endpoint);
    const Endpoints::State state = endpoints_->state(exchange.endpoint);
    what = state == Endpoints::State::up ? kArrive : state == Endpoints::State::refuses ? kRefuse : kVanish;
  }
  timeline_.after(one_way(), *this, what, key);
}

ServerKey Wire::key_of(Caller& caller, ExchangeId id) const {
  const auto of_caller = open_.find(&caller);
  if (of_caller == open_.end()) return kNoKey;
  const auto found = of_caller->second.find(id.value);
  return found == of_caller->second.end() ? kNoKey : found->second;
}

Wire::Exchange* Wire::find(ServerKey key) {
  const std::size_t slot = slot_of(key);
  if (slot >= exchanges_.size() || exchanges_[slot].generation != key >> 32) return nullptr;
  return &exchanges_[slot];
}

void Wire::endpoint_died(int endpoint) {
  for (std::size_t slot = 0; slot < exchanges_.size(); ++slot) {
    const Exchange& exchange = exchanges_[slot];
    if (exchange.caller == nullptr || exchange.endpoint != endpoint) continue;
    end((static_cast<ServerKey>(exchange.generation) << 32) | slot, NetFault::broken, "connection reset", true);
  }
}

void Wire::cancel(Caller& caller, ExchangeId id) {
  const ServerKey key = key_of(caller, id);
  if (key == kNoKey) return;
  open_[&caller].erase(id.value);
  find(key)->caller = nullptr;
  free_if_over(slot_of(key));
}

void Wire::hang_up(Caller& caller) {
  const auto found = open_.find(&caller);
  if (found == open_.end()) return;
  std::vector<ServerKey> keys;
  for (const auto& [id, key] : found->second) keys.push_back(key);
  std::sort(keys.begin(), keys.end());  // the order in which slots are used again must not depend on a hash
  open_.erase(found);
  for (const ServerKey key : keys) {
    find(key)->caller = nullptr;
    free_if_over(slot_of(key));
  }
}

void Wire::pause(Caller& caller, ExchangeId id, bool paused) {
  Exchange* const exchange = find(key_of(caller, id));
  if (exchange == nullptr || exchange->paused == paused) return;
  exchange->paused = paused;
  const ServerKey key = key_of(caller, id);
  if (paused) {
    timeline_.at(exchange->deadline, *this, kTimeout, key);
  } else if (std::exchange(exchange->waits, false)) {
    timeline_.after(settings_.between_portions, *this, kDeliver, key);
  }
}

void Wire::reply(ServerKey key, Reply reply) {
  Exchange& exchange = exchanges_[slot_of(key)];
  exchange.server_done = true;
  if (exchange.caller == nullptr) return free_if_over(slot_of(key));
  exchange.reply = std::move(reply);
  const Instant at = timeline_.now() + one_way();
  if (random_.chance(settings_.reset_back)) {
    exchange.reply.body.resize(exchange.reply.body.size() / 2);
    exchange.reply.end = NetFault::broken;
  }
  if (at > exchange.deadline) return timeline_.at(exchange.deadline, *this, kTimeout, key);
  timeline_.at(at, *this, kDeliver, key);
}

void Wire::stay_silent(ServerKey key) {
  Exchange& exchange = exchanges_[slot_of(key)];
  exchange.server_done = true;
  if (exchange.caller == nullptr) return free_if_over(slot_of(key));
  timeline_.at(exchange.deadline, *this, kTimeout, key);
}

void Wire::happen(std::uint32_t what, std::uint64_t key) {
  Exchange* const exchange = find(key);
  if (exchange == nullptr) return;
  switch (what) {
    case kArrive:
      return server_->arrive(key, exchange->prompt);
    case kRefuse:
      exchange->server_done = true;
      return end(key, NetFault::connect, "connection refused", false);
    case kReset:
      exchange->server_done = true;
      return end(key, NetFault::broken, "connection reset", true);
    case kVanish:
      return stay_silent(key);
    case kDeliver:
      return deliver(key);
    case kTimeout:
      return end(key, NetFault::timeout, "timed out", true);
    default:
      break;
  }
}

void Wire::deliver(ServerKey key) {
  Exchange& exchange = *find(key);
  if (exchange.caller == nullptr) return free_if_over(slot_of(key));
  if (const Instant from = exchange.caller->reads_from(); from > timeline_.now())
    return timeline_.at(from, *this, kDeliver, key);
  if (!std::exchange(exchange.head_given, true)) {
    exchange.first_byte = timeline_.now();
    // No bytes at all before a cut: no head either.
    if (exchange.reply.head.status != 0)
      exchange.caller->deliver(ResponseHead{exchange.id, std::move(exchange.reply.head)});
  }
  if (exchange.paused) {
    exchange.waits = true;
    return;
  }
  std::string& body = exchange.reply.body;
  if (exchange.given == 0 && body.size() <= settings_.portion) {
    exchange.given = body.size();
    if (!body.empty()) exchange.caller->deliver(ResponseBytes{exchange.id, std::move(body)});
    return end(key, exchange.reply.end, exchange.reply.end == NetFault::none ? "" : "connection reset", true);
  }
  const std::size_t count = std::min(settings_.portion, body.size() - exchange.given);
  exchange.caller->deliver(ResponseBytes{exchange.id, body.substr(exchange.given, count)});
  exchange.given += count;
  if (exchange.given == body.size())
    return end(key, exchange.reply.end, exchange.reply.end == NetFault::none ? "" : "connection reset", true);
  const Instant next = timeline_.now() + settings_.between_portions;
  timeline_.at(std::min(next, exchange.deadline), *this, next > exchange.deadline ? kTimeout : kDeliver, key);
}

void Wire::end(ServerKey key, NetFault fault, const char* detail, bool possibly_billed) {
  Exchange& exchange = *find(key);
  if (exchange.caller != nullptr) {
    const Duration first = exchange.head_given ? exchange.first_byte - exchange.submitted : Duration::zero();
    Caller* const caller = std::exchange(exchange.caller, nullptr);
    open_[caller].erase(exchange.id.value);
    caller->deliver(
        ResponseEnd{exchange.id, fault, detail, possibly_billed, {first, timeline_.now() - exchange.submitted}});
  }
  free_if_over(slot_of(key));
}

void Wire::free_if_over(std::size_t slot) {
  Exchange& exchange = exchanges_[slot];
  if (!exchange.server_done || exchange.caller != nullptr) return;
  ++exchange.generation;  // whatever still happens to it means nothing
  exchange.reply = {};
  free_.push_back(slot);
}

}  // namespace retort::simulation
