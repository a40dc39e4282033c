#include "tests/simulation/sim_teacher.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace retort::simulation {
namespace {

std::string as_seconds(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3f", value);
  return text;
}

Instant window_end(Instant now, Duration window) { return {(now.ns / window.count() + 1) * window.count()}; }

}  // namespace

Gateway::Gateway(GatewaySettings settings, Instant now) : settings_(settings), filled_at_(now) {
  const auto meter = [&](double per_minute) {
    const double per_second = per_minute / 60;
    const double capacity = std::max(1.0, per_second * seconds(settings.bucket));
    return Meter{per_second, capacity, capacity};
  };
  requests_ = meter(settings.requests_per_minute);
  tokens_ = meter(settings.tokens_per_minute);
}

void Gateway::fill(Instant now) {
  for (Meter* meter : {&requests_, &tokens_}) {
    if (settings_.fixed_windows) {
      if (window_end(filled_at_, settings_.bucket) <= now) meter->level = meter->capacity;
    } else {
      meter->level = std::min(meter->capacity, meter->level + meter->per_second * seconds(now - filled_at_));
    }
  }
  filled_at_ = now;
}

Duration Gateway::wait_for(const Meter& meter, double amount, Instant now) const {
  const double missing = std::min(amount, meter.capacity) - meter.level;
  if (meter.per_second <= 0 || missing <= 0) return Duration::zero();
  if (settings_.fixed_windows) return window_end(now, settings_.bucket) - now;
  return from_seconds(missing / meter.per_second);
}

void Gateway::announce(const Meter& meter, const char* what, Instant now, std::vector<HttpHeader>& headers) const {
  if (meter.per_second <= 0) return;
  const double reset = settings_.fixed_windows ? seconds(window_end(now, settings_.bucket) - now)
                                               : (meter.capacity - meter.level) / meter.per_second;
  const std::string prefix = "x-ratelimit-";
  headers.emplace_back(prefix + "limit-" + what, std::to_string(static_cast<std::int64_t>(meter.capacity)));
  headers.emplace_back(prefix + "remaining-" + what,
                       std::to_string(static_cast<std::int64_t>(std::max(0.0, std::floor(meter.level)))));
  headers.emplace_back(prefix + "reset-" + what, as_seconds(reset) + "s");
}

Gateway::Ruling Gateway::ask(double tokens, Instant now) {
  fill(now);
  const double counted = tokens * settings_.token_factor;
  const Duration wait = std::max(wait_for(requests_, 1, now), wait_for(tokens_, counted, now));
  const bool crowded = settings_.in_flight_max > 0 && in_flight_ >= settings_.in_flight_max;
  Ruling ruling;
  ruling.admitted = wait <= Duration::zero() && !crowded;
  if (ruling.admitted || settings_.charges_refused) {
    // A refusal is taken as far as there is something: nobody counts below zero.
    const double least = ruling.admitted ? -1e300 : 0;
    requests_.level = std::max(std::min(requests_.level, least), requests_.level - 1);
    tokens_.level = std::max(std::min(tokens_.level, least), tokens_.level - counted);
  }
  if (ruling.admitted) {
    ++in_flight_;
    ++admitted_;
    admitted_tokens_ += counted;
  } else {
    ++refused_;
    if (settings_.sends_retry_after && !crowded) {
      const Duration left = std::max(wait_for(requests_, 1, now), wait_for(tokens_, counted, now));
      const double exact = std::max(0.001, seconds(left));
      ruling.retry_after = from_seconds(settings_.whole_second_retry_after ? std::ceil(exact) : exact);
      ruling.headers.emplace_back("retry-after", settings_.whole_second_retry_after
                                                     ? std::to_string(static_cast<int>(std::ceil(exact)))
                                                     : as_seconds(std::ceil(exact * 1000) / 1000));
    }
  }
  if (settings_.sends_limits) {
    announce(requests_, "requests", now, ruling.headers);
    announce(tokens_, "tokens", now, ruling.headers);
  }
  return ruling;
}

BatchingServer::BatchingServer(int batch, double tokens_per_second, Duration prefill)
    : batch_(batch), tokens_per_second_(tokens_per_second), prefill_(prefill) {}

void BatchingServer::arrive(std::uint64_t id, double tokens, Instant now) {
  waiting_.push_back({id, tokens});
  start_waiting(now);
}

void BatchingServer::start_waiting(Instant now) {
  while (first_waiting_ < waiting_.size() && static_cast<int>(decoding_.size()) < batch_) {
    const Waiting next = waiting_[first_waiting_++];
    decoding_.emplace(std::pair(now + prefill_ + from_seconds(next.tokens / tokens_per_second_), next.id), next.tokens);
  }
  if (first_waiting_ > 1024 && first_waiting_ * 2 > waiting_.size()) {
    waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(first_waiting_));
    first_waiting_ = 0;
  }
}

std::optional<std::pair<Instant, std::uint64_t>> BatchingServer::next() const {
  if (decoding_.empty()) return {};
  return decoding_.begin()->first;
}

void BatchingServer::complete(Instant now) {
  tokens_done_ += decoding_.begin()->second;
  decoding_.erase(decoding_.begin());
  start_waiting(now);
}

void BatchingServer::set_batch(int batch, Instant now) {
  batch_ = batch;
  start_waiting(now);
}

double log_normal(Random& random, double median, double sigma) {
  // Box and Muller.
  constexpr double kTwoPi = 6.283185307179586;
  const double radius = std::sqrt(-2 * std::log(1 - random.uniform()));
  return median * std::exp(sigma * radius * std::cos(kTwoPi * random.uniform()));
}

}  // namespace retort::simulation
