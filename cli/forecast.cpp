#include "cli/forecast.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>

#include "cli/command.h"
#include "cli/exit_codes.h"
#include "cli/progress.h"
#include "cli/terminal.h"
#include "cli/wanted.h"

namespace retort {
namespace {

struct Expected {
  double input = 0, output = 0, attempts = 0;
  Usd money;
  double minutes = 0;
  std::string bound_by;  ///< what sets the duration
};

Expected expect(const Wanted& wanted, const Experience& past, const HarvestPlan& plan) {
  Expected result;
  const auto requests = static_cast<double>(wanted.requests);
  // The share of attempts that failed goes on top; refusals cost nothing and are not in it.
  result.attempts =
      past.answers > 0 ? requests * static_cast<double>(past.attempts) / static_cast<double>(past.answers) : requests;
  result.input = past.input_tokens_per_byte > 0 ? static_cast<double>(wanted.prompt_bytes) * past.input_tokens_per_byte
                                                : static_cast<double>(wanted.most.input);
  // A turn's question holds the answers before it.
  if (past.input_tokens_per_byte > 0) {
    const double answer = past.output_tokens > 0 ? past.output_tokens : static_cast<double>(wanted.answer_most);
    result.input += static_cast<double>(wanted.answers_read_again) * answer;
  }
  result.output = past.output_tokens > 0 ? requests * past.output_tokens : static_cast<double>(wanted.most.output);
  result.money = plan.settings.max_tokens || past.answers > 0
                     ? plan.profile.settings.prices.most(static_cast<Tokens>(result.input + 0.5),
                                                         static_cast<Tokens>(result.output + 0.5))
                     : wanted.most.money;
  const Limits& limits = plan.profile.limits;
  const auto takes = [&](double amount, double per_minute, const char* what) {
    if (per_minute <= 0 || amount / per_minute <= result.minutes) return;
    result.minutes = amount / per_minute;
    result.bound_by = what;
  };
  constexpr double kMinutesADay = 1440;
  takes(result.attempts, limits.requests_per_minute, "requests_per_minute");
  takes(result.input + result.output, limits.tokens_per_minute, "tokens_per_minute");
  takes(result.input, limits.input_tokens_per_minute, "input_tokens_per_minute");
  takes(result.output, limits.output_tokens_per_minute, "output_tokens_per_minute");
  takes(result.attempts, limits.requests_per_day / kMinutesADay, "requests_per_day");
  takes(result.input + result.output, limits.tokens_per_day / kMinutesADay, "tokens_per_day");
  takes(result.attempts, past.answers_per_minute, "the busiest minute so far");
  if (past.latency_seconds > 0) {
    takes(result.attempts, 60.0 * limits.in_flight_max / past.latency_seconds, "max_in_flight and latency");
  }
  return result;
}

void print_text(const Wanted& wanted, const Expected& expected, const Experience& past) {
  print_line(with_commas(wanted.rows) + " rows: " + with_commas(wanted.requests) + " requests to ask, " +
             with_commas(wanted.settled) + " settled in the corpus");
  if (wanted.follow_ups > 0)
    print_line("of them " + with_commas(wanted.follow_ups) + " follow-ups, if every answer lets the script go on");
  print_line("at most " + with_commas(wanted.most.input) + " tokens in, " + with_commas(wanted.most.output) + " out, " +
             as_dollars(wanted.most.money));
  if (past.answers > 0) {
    print_line("expected, from the newest " + with_commas(past.attempts) +
               " attempts: " + with_commas(std::llround(expected.attempts)) + " requests sent, " +
               with_commas(std::llround(expected.input)) + " tokens in, " + with_commas(std::llround(expected.output)) +
               " out, " + as_dollars(expected.money));
  } else {
    print_line("this corpus has no answers of this teacher yet: nothing to predict from (ask a few first)");
  }
  if (wanted.requests == 0) return;  // what takes no time needs none predicted
  print_line(expected.minutes > 0 ? "duration: about " + short_duration(from_seconds(expected.minutes * 60)) +
                                        ", bound by " + expected.bound_by
                                  : "duration: unknown; no limit is configured and nothing was asked so far");
}

}  // namespace

Result<int> forecast(HarvestPlan& plan, const ForecastOptions& options, CorpusOpener& corpora) {
  std::unique_ptr<CorpusReader> corpus;
  Experience past;
  if (access(options.corpus.c_str(), F_OK) == 0) {
    Result<std::unique_ptr<CorpusReader>> opened = corpora.read(options.corpus);
    if (!opened) return fail(opened.error());
    corpus = std::move(*opened);
    Result<Experience> seen = corpus->experience(plan.profile.identity);
    if (!seen) return fail(seen.error());
    past = *seen;
  }
  const Result<Wanted> wanted = count_wanted(plan, options.skip_bad_rows, corpus.get());
  if (!wanted) return fail(wanted.error());
  const Expected expected = expect(*wanted, past, plan);
  if (!options.json) {
    print_text(*wanted, expected, past);
    return kExitComplete;
  }
  print_line(dump_json({{"rows", wanted->rows},
                        {"bad_rows", wanted->bad_rows},
                        {"requests", wanted->requests},
                        {"follow_ups", wanted->follow_ups},
                        {"settled", wanted->settled},
                        {"input_tokens_at_most", wanted->most.input},
                        {"output_tokens_at_most", wanted->most.output},
                        {"cost_usd_at_most", wanted->most.money.dollars()},
                        {"predicted_from_attempts", past.attempts},
                        {"attempts", expected.attempts},
                        {"input_tokens", expected.input},
                        {"output_tokens", expected.output},
                        {"cost_usd", expected.money.dollars()},
                        {"minutes", expected.minutes > 0 ? Json(expected.minutes) : Json()},
                        {"bound_by", expected.bound_by}}));
  return kExitComplete;
}

}  // namespace retort
