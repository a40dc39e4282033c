#include "cli/forecast.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>

#include "cli/command.h"
#include "cli/exit_codes.h"
#include "cli/progress.h"
#include "cli/terminal.h"
#include "core/harvest/planner.h"
#include "core/teacher/identity.h"

namespace retort {
namespace {

struct Wanted {
  std::int64_t rows = 0, bad_rows = 0;
  std::int64_t requests = 0;  ///< to ask; equal rows count each time
  std::int64_t settled = 0;
  std::int64_t prompt_bytes = 0;  ///< of what is to ask, as stored
  Cost most;
};

Result<Wanted> count_wanted(HarvestPlan& plan, bool skip_bad_rows, CorpusReader* corpus) {
  Wanted wanted;
  while (auto event = plan.source->next()) {
    auto* row = std::get_if<PromptRow>(&*event);
    if (!row) {
      const BadRow& problem = std::get<BadRow>(*event);
      if (!skip_bad_rows)
        return fail(Errc::usage, problem.source + ":" + std::to_string(problem.row) + ": " + problem.problem);
      ++wanted.bad_rows;
      continue;
    }
    ++wanted.rows;
    const auto bytes = static_cast<std::int64_t>(row->messages.text().size());
    for (int sample = 0; sample < plan.settings.samples; ++sample) {
      const Json parameters = sample_parameters(plan.settings.parameters, sample);
      if (corpus) {
        const auto state = corpus->state_of(
            request_digest({plan.settings.dialect, plan.settings.model, row->messages, parameters, sample}));
        if (!state) return fail(state.error());
        if (*state && !wants_answer(**state, plan.settings)) {
          ++wanted.settled;
          continue;
        }
      }
      ++wanted.requests;
      wanted.prompt_bytes += bytes;
      const Cost bound = plan.teacher->bound({row->messages, parameters, plan.settings.max_tokens});
      wanted.most.input += bound.input;
      wanted.most.output += bound.output;
      wanted.most.money += bound.money;
    }
  }
  return wanted;
}

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
  print_line(expected.minutes > 0 ? "duration: about " + short_duration(from_seconds(expected.minutes * 60)) +
                                        ", bound by " + expected.bound_by
                                  : "duration: unknown; no limit is configured and nothing was asked yet");
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
