// `retort batch status`: what was handed to providers, and how far it is.
#include <unistd.h>

#include "cli/batch_desk.h"
#include "cli/exit_codes.h"
#include "cli/progress.h"
#include "cli/terminal.h"

namespace retort {
namespace {

struct Line {
  BatchRecord batch;
  std::optional<BatchView> view;  ///< what the provider says now
  std::string problem;            ///< why it does not
};

std::optional<Error> ask(BatchDesks& desks, Line& line) {
  const auto desk = desks.of(line.batch);
  if (!desk) return desk.error();
  const WireResult reply = (*desk)->wire->ask((*desk)->api->look(line.batch.provider_id));
  if (const auto* trouble = std::get_if<WireTrouble>(&reply)) return trouble->error;
  line.view = (*desk)->api->read_batch(std::get<WireReply>(reply).body);
  if (!line.view) return Error{Errc::refused, "the provider's word on it cannot be read"};
  return {};
}

Json time_or_null(const std::optional<WallTime>& at) { return at ? Json(to_iso8601(*at)) : Json(); }

Json as_json(const Line& line) {
  const BatchRecord& batch = line.batch;
  const std::string& status = line.view ? line.view->status : batch.provider_status;
  Json counts;
  if (line.view)
    counts = {{"total", line.view->total}, {"completed", line.view->completed}, {"failed", line.view->failed}};
  return {{"batch", batch.id},
          {"teacher", batch.teacher.name},
          {"model", batch.teacher.model},
          {"state", word(batch.state)},
          {"provider_id", batch.provider_id},
          {"provider_status", status},
          {"counts", std::move(counts)},
          {"requests", batch.requests},
          {"open", batch.open},
          {"answered", batch.answered},
          {"begun_at", to_iso8601(batch.begun)},
          {"submitted_at", time_or_null(batch.submitted)},
          {"expires_at", time_or_null(line.view ? line.view->expires : batch.expires)},
          {"cost_usd", batch.cost.dollars()},
          {"reserved_usd", batch.reserved.dollars()},
          {"error", batch.error},
          {"problem", line.problem}};
}

std::string span(std::int64_t ms) { return short_duration(std::chrono::milliseconds(std::max<std::int64_t>(0, ms))); }

std::string standing(const Line& line) {
  if (line.batch.state == BatchState::collected) return "collected";
  if (line.view) return line.view->status;
  if (line.batch.state != BatchState::submitted) return std::string(word(line.batch.state));
  return line.batch.provider_status.empty() ? "submitted" : line.batch.provider_status;
}

void print(const std::vector<Line>& lines, WallTime now) {
  using Align = Table::Align;
  Table table({{"batch", Align::right},
               {"teacher"},
               {"state"},
               {"requests", Align::right},
               {"done", Align::right},
               {"answered", Align::right},
               {"age", Align::right},
               {"expires"},
               {"provider's id"}});
  for (const Line& line : lines) {
    const BatchRecord& batch = line.batch;
    const bool over = batch.state == BatchState::collected;
    const auto expires = line.view ? line.view->expires : batch.expires;
    table.add({std::to_string(batch.id), batch.teacher.name, standing(line), with_commas(batch.requests),
               line.view ? with_commas(line.view->completed + line.view->failed) : "-", with_commas(batch.answered),
               span(now.ms - batch.begun.ms),
               over || !expires       ? "-"
               : expires->ms > now.ms ? "in " + span(expires->ms - now.ms)
                                      : "expired",
               batch.provider_id.empty() ? "-" : batch.provider_id});
  }
  const Palette palette(STDOUT_FILENO);
  const std::vector<std::string> text = table.lines();
  print_line(palette.bold(text.front()));
  for (std::size_t i = 1; i < text.size(); ++i) {
    print_line(text[i]);
    const Line& line = lines[i - 1];
    if (!line.batch.error.empty()) print_line(palette.yellow("  " + visible_line(line.batch.error)));
    if (!line.problem.empty()) print_line(palette.yellow("  not asked: " + visible_line(line.problem)));
  }
}

}  // namespace

Result<int> batch_status(const BatchFlags& flags, Edges& edges) {
  auto batches = batch_corpora().batches(flags.corpus);
  if (!batches) return fail(batches.error());
  BatchDesks desks(edges, flags.config);
  std::vector<Line> lines;
  std::optional<Error> trouble;
  for (BatchRecord& batch : *batches) {
    if (!flags.teacher.empty() && batch.teacher.name != flags.teacher) continue;
    Line line{std::move(batch), {}, {}};
    if (!flags.offline && line.batch.state == BatchState::submitted) {
      if (auto problem = ask(desks, line)) {
        line.problem = problem->message;
        if (problem->code == Errc::interrupted) return fail(*problem);
        if (!trouble) trouble = std::move(problem);
      }
    }
    lines.push_back(std::move(line));
  }
  if (flags.json) {
    Json list = Json::array();
    for (const Line& line : lines) list.push_back(as_json(line));
    print_line(visible_json(dump_json(list)));
  } else if (lines.empty()) {
    say("no batches");
  } else {
    print(lines, edges.clock.wall());
  }
  if (trouble) return fail(*trouble);
  return kExitComplete;
}

}  // namespace retort
