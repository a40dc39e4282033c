#include "core/harvest/concurrency.h"

#include <algorithm>
#include <cmath>

namespace retort {
namespace {

constexpr double kStart = 8;
constexpr double kLow = 0.8;         // the lower of the two points that are compared
constexpr int kRoundsAtWindow = 3;   // for each round at the lower point,
constexpr int kRoundsAtMost = 48;    // and where that has long shown nothing new
constexpr double kElasticity = 0.3;  // the target: where ten percent more in flight bring three percent more answers
constexpr double kFarBelow = 0.8;
constexpr double kGain = 0.5;
constexpr double kHeadroom = 1.2;  // beyond an estimated knee: what keeps the knee visible
constexpr int kAnswersMin = 40;    // of a round, so that the lengths of answers average out
constexpr double kRefusalCut = 0.8;
// No model answers faster: below, it is the wire and our own loop that are measured.
constexpr double kSecondsThatMatter = 0.1;

double elasticity(double tau_low, double tau_high, double ratio) {
  return 1 - std::log(tau_high / tau_low) / std::log(ratio);
}

}  // namespace

Concurrency::Concurrency(int most)
    : most_(most), window_(std::min<double>(kStart, most)), ceiling_(most), rounds_at_window_(kRoundsAtWindow) {
  begin_round({});
}

int Concurrency::limit() const {
  if (followed_) return probing_ ? std::min(1, *followed_) : *followed_;
  if (probing_) return 1;
  const double now = std::min(low_ ? window_ * kLow : window_, ceiling_);
  return std::max(1, static_cast<int>(std::lround(now)));
}

void Concurrency::begin_round(Instant now) {
  round_began_ = now;
  round_ = {};
  answers_wanted_ = starting_ ? static_cast<int>(window_) : std::max(kAnswersMin, static_cast<int>(window_));
}

void Concurrency::answered(const Answer& answer, Instant now) {
  if (probing_) {
    probing_ = false;
    starting_ = true;
    window_ = std::min(kStart, most_);
    low_ = false;
    before_.reset();
    high_.reset();
    begin_round(now);
    return;
  }
  if (answer.limit_in_use) {
    // A ceiling rises by a request a round, and by a percent of a large one.
    ceiling_ = std::min(most_, ceiling_ + std::max(1.0, 0.01 * ceiling_) / ceiling_);
    if (starting_) window_ = std::min(most_, window_ + 1);
  }
  // Only those that were sent under the round's own limit tell about it.
  if (answer.sent < round_began_ || !answer.limit_in_use) return;
  ++round_.answers;
  round_.latency += std::max(seconds(answer.latency), kSecondsThatMatter);
  round_.tokens += std::max(answer.tokens, 1.0);
  round_.in_flight += answer.in_flight;
  if (round_.answers >= answers_wanted_) end_round(now);
}

void Concurrency::end_round(Instant now) {
  if (starting_) {
    if (before_) {
      const double ratio = round_.mean_in_flight() / before_->mean_in_flight();
      const double slower = round_.seconds_per_token() / before_->seconds_per_token();
      if (ratio > 1.2 && 1 - std::log(slower) / std::log(ratio) < 0.5) {
        starting_ = false;
        window_ = std::clamp(kHeadroom * round_.mean_in_flight() / slower, 1.0, window_);
      }
    }
    if (!before_ || round_.mean_in_flight() > 1.2 * before_->mean_in_flight()) before_ = round_;
    if (window_ >= most_ && round_.mean_in_flight() > 0.9 * most_) starting_ = false;
  } else if (low_) {
    climb();
    low_ = false;
    rounds_until_low_ = rounds_at_window_;
  } else {
    // Much less comes of as many: the server serves fewer together than it did.
    constexpr double kMuchLess = 0.75;
    const double of_before = high_ ? round_.throughput() / high_->throughput() : 1;
    if (of_before < kMuchLess && round_.mean_in_flight() > 0.9 * high_->mean_in_flight()) {
      window_ = std::max(1.0, window_ * of_before);
      high_.reset();
      return begin_round(now);
    }
    high_ = round_;
    constexpr double kLess = 0.9;
    if (round_.throughput() < kLess * confirmed_throughput_) {
      confirmed_throughput_ = 0;
      rounds_at_window_ = rounds_until_low_ = kRoundsAtWindow;
    }
    if (--rounds_until_low_ <= 0 && window_ >= 2) low_ = true;
  }
  begin_round(now);
}

// Called at the end of a round at the lower point.
void Concurrency::climb() {
  if (!high_) return;
  const double ratio = high_->mean_in_flight() / round_.mean_in_flight();
  if (ratio < 1.05) return;
  const double e = elasticity(round_.seconds_per_token(), high_->seconds_per_token(), ratio);
  // Far below the knee, twice in a row: no noise, but a server that takes more than it did.
  far_below_ = e > kFarBelow ? far_below_ + 1 : 0;
  if (far_below_ >= 2 && window_ < most_) {
    far_below_ = 0;
    starting_ = true;
    before_ = high_;
    return;
  }
  // Two numbers that lie close together say little.
  const double gain = kGain * std::min(1.0, std::log(ratio) / std::log(1 / kLow));
  const double before = window_;
  window_ = std::clamp(window_ * std::clamp(1 + gain * (e - kElasticity), 0.85, 1.25), 1.0, most_);
  const bool confirmed = before >= most_ && window_ >= most_;
  rounds_at_window_ = confirmed ? std::min(4 * rounds_at_window_, kRoundsAtMost) : kRoundsAtWindow;
  confirmed_throughput_ = confirmed ? high_->throughput() : 0;
}

void Concurrency::refused(Instant sent, int in_flight_now, Instant now) {
  if (sent < ceiling_cut_) return;
  ceiling_ = std::max(1.0, kRefusalCut * std::min<double>(ceiling_, in_flight_now));
  ceiling_cut_ = now;
  starting_ = false;
}

void Concurrency::probe_only() { probing_ = true; }

}  // namespace retort
