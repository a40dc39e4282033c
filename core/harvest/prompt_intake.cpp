#include "core/harvest/prompt_intake.h"

namespace retort {

std::optional<Error> take_prompts(PromptFeed& prompts, Planner& planner, const Teacher& teacher,
                                  const HarvestSettings& settings, HarvestStats& stats, HarvestObserver& observer) {
  while (!stats.all_read && planner.has_room()) {
    FeedEvent event = prompts.poll();
    if (const auto* row = std::get_if<PromptRow>(&event)) {
      if (const auto accepted = teacher.accepts_messages(row->messages.json()); !accepted)
        event = BadRow{row->source, row->row, accepted.error().message};
    }
    if (auto* row = std::get_if<PromptRow>(&event)) {
      planner.add_row(std::move(*row));
    } else if (const auto* bad = std::get_if<BadRow>(&event)) {
      ++stats.bad_rows;
      const std::string line = bad->source + ":" + std::to_string(bad->row) + ": " + bad->problem;
      if (bad->rest_lost) return Error{Errc::usage, line};
      if (!settings.skip_bad_rows)
        return Error{Errc::usage, line + ". Mend the row, or skip such rows with --skip-bad-rows"};
      constexpr std::int64_t kToldAtMost = 10;
      if (stats.bad_rows <= kToldAtMost) observer.notice(line + " (skipped)");
    } else {
      stats.all_read = std::holds_alternative<EndOfPrompts>(event);
      break;
    }
  }
  stats.fraction_read = prompts.fraction_read();
  return {};
}

}  // namespace retort
