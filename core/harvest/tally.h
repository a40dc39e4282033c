// The running count of a harvest, kept by what happens.
#pragma once

#include <algorithm>
#include <string>

#include "core/harvest/harvester.h"

namespace retort {

class Tally {
 public:
  HarvestStats stats;

  void sent(bool again) {
    ++stats.attempts;
    if (again) ++stats.retries;
  }
  void paid(const Cost& cost) {
    stats.used.input += cost.input;
    stats.used.output += cost.output;
    stats.used.money += cost.money;
  }
  void answered(const Response& response) {
    ++stats.answered;
    if (response.finish == Finish::length) ++stats.truncated;
    if (response.finish == Finish::refusal || response.finish == Finish::content_filter) ++stats.refusals;
  }
  /// An attempt that brought no answer.
  void failed(const AttemptEnd& end) {
    if (end.possibly_billed) ++stats.possibly_billed;
    if (!end.error.empty()) stats.last_failure = end.error + (end.error_detail.empty() ? "" : ": " + end.error_detail);
    if (end.request_status != RequestStatus::failed) return;
    given_up(end.error, 1 + static_cast<std::int64_t>(end.also.size()));
  }
  /// So many requests have failed for good.
  void given_up(const std::string& why, std::int64_t requests) {
    stats.failed += requests;
    const auto known = std::find_if(stats.failures.begin(), stats.failures.end(),
                                    [&](const auto& failure) { return failure.first == why; });
    if (known == stats.failures.end()) {
      stats.failures.emplace_back(why, requests);
    } else {
      known->second += requests;
    }
  }
};

}  // namespace retort
