// `retort batch cancel`: asks the provider to stop. What it finished before is collected as ever.
#include <algorithm>

#include "cli/batch_desk.h"
#include "cli/exit_codes.h"
#include "cli/run_record.h"
#include "cli/terminal.h"
#include "core/batch/batch_finder.h"

namespace retort {
namespace {

bool is_open(const BatchRecord& batch) {
  return batch.state == BatchState::uploading || batch.state == BatchState::creating ||
         batch.state == BatchState::submitted;
}

Result<std::vector<BatchRecord>> chosen(const BatchFlags& flags, const std::vector<BatchRecord>& batches) {
  std::vector<BatchRecord> result;
  for (const BatchRecord& batch : batches) {
    if (flags.all && is_open(batch) && (flags.teacher.empty() || batch.teacher.name == flags.teacher))
      result.push_back(batch);
  }
  for (const std::string& wanted : flags.batches) {
    const auto found = std::find_if(batches.begin(), batches.end(), [&](const BatchRecord& batch) {
      return std::to_string(batch.id) == wanted || (!batch.provider_id.empty() && batch.provider_id == wanted);
    });
    if (found == batches.end())
      return fail(Errc::usage, flags.corpus + ": has no batch '" + wanted + "': see retort batch status");
    if (!is_open(*found)) return fail(Errc::usage, batch_name(*found) + " is over: nothing to cancel");
    result.push_back(*found);
  }
  return result;
}

Result<std::string> freed(BatchLog& log, const BatchRecord& batch, const BatchRest& rest, const std::string& why) {
  const auto count = log.finish(batch.id, rest);
  if (!count) return fail(count.error());
  return why + ": its " + with_commas(*count) + " requests are pending again";
}

/// What became of it, as one line.
Result<std::string> cancel(const BatchFlags& flags, Edges& edges, const BatchDesk& desk, BatchLog& log,
                           BatchRecord batch) {
  const BatchRest never{AttemptOutcome::refused, "batch_cancelled", "", false};
  const BatchRest given_up{AttemptOutcome::delivery_unknown, "batch_given_up", "", true};
  if (batch.state == BatchState::uploading) return freed(log, batch, never, "was never created");
  if (batch.state == BatchState::creating) {
    BatchFinder finder(edges.clock, *desk.wire, log, *desk.api, desk.settings.settle);
    const auto found = finder.find(batch);
    if (!found) return fail(found.error());
    if (found->is == FoundBatch::Is::absent) return freed(log, batch, never, "never reached the provider");
    if (found->is == FoundBatch::Is::in_doubt) {
      if (flags.give_up) return freed(log, batch, given_up, "given up");
      return fail(Errc::refused, "in doubt: " + found->doubt + " (--give-up asks its questions again all the same)");
    }
    BatchChange adopted;
    adopted.state = BatchState::submitted;
    adopted.provider_id = batch.provider_id = found->view.id;
    if (auto done = log.change(batch.id, adopted); !done) return fail(done.error());
  }
  const WireResult reply = desk.wire->ask(desk.api->cancel(batch.provider_id));
  if (const auto* trouble = std::get_if<WireTrouble>(&reply)) {
    if (trouble->status == 404 && flags.give_up) return freed(log, batch, given_up, "the provider does not know it");
    Error error = trouble->error;
    if (trouble->status == 404) error.message += " (--give-up asks its questions again all the same)";
    return fail(error);
  }
  BatchChange seen;
  if (const auto view = desk.api->read_batch(std::get<WireReply>(reply).body)) seen.provider_status = view->status;
  if (auto done = log.change(batch.id, seen); !done) return fail(done.error());
  return std::string("cancelling; retort batch collect takes in what was done");
}

}  // namespace

Result<int> batch_cancel(const BatchFlags& flags, Edges& edges) {
  if (flags.batches.empty() && !flags.all)
    return fail(Errc::usage, "which batch? Give its number or the provider's id, or --all");
  std::vector<BatchRecord> batches;
  {
    auto all = batch_corpora().batches(flags.corpus);
    if (!all) return fail(all.error());
    auto wanted = chosen(flags, *all);
    if (!wanted) return fail(wanted.error());
    batches = std::move(*wanted);
  }
  BatchDesks desks(edges, flags.config);
  Json told = Json::array();
  std::optional<Error> trouble;
  for (const BatchRecord& batch : batches) {
    const auto desk = desks.of(batch);
    if (!desk) return fail(desk.error());
    const TeacherProfile& profile = (*desk)->profile;
    auto log = batch_corpora().batch(flags.corpus, profile.identity, profile.terms,
                                     run_start(edges, "batch cancel", {{"batch", batch.id}}));
    if (!log) return fail(log.error());
    const auto line = cancel(flags, edges, **desk, **log, batch);
    say(batch_name(batch) + ": " + (line ? *line : line.error().message));
    told.push_back({{"batch", batch.id}, {"done", line.has_value()}, {"word", line ? *line : line.error().message}});
    if (!line && !trouble) trouble = line.error();
    const int code = line ? kExitComplete : exit_code_of(line.error().code);
    if (auto closed = (*log)->close({code, {}, told.back()}); !closed) return fail(closed.error());
    if (trouble && trouble->code == Errc::interrupted) break;
  }
  if (batches.empty()) say("no batch is under way");
  if (flags.json) print_line(dump_json(told));
  if (trouble) return fail(*trouble);
  return kExitComplete;
}

}  // namespace retort
