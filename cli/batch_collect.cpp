// `retort batch collect`: looks at what is under way and takes in what is done. The corpus is held only while something
// is taken in, so that harvests may run in between.
#include <algorithm>

#include "cli/batch_desk.h"
#include "cli/exit_codes.h"
#include "cli/run_record.h"
#include "cli/terminal.h"
#include "core/batch/batch_collector.h"

namespace retort {
namespace {

struct Totals {
  std::int64_t answered = 0, pending = 0, failed = 0, already = 0, strange = 0;
  std::int64_t batches = 0, rejected = 0, in_doubt = 0, under_way = 0;
  Usd cost;
  std::optional<Error> trouble;  ///< the first; other batches are looked at all the same
};

Json as_json(const Totals& totals) {
  return {{"batches", totals.batches},        {"rejected", totals.rejected}, {"in_doubt", totals.in_doubt},
          {"under_way", totals.under_way},    {"answered", totals.answered}, {"pending", totals.pending},
          {"failed", totals.failed},          {"already", totals.already},   {"strange", totals.strange},
          {"cost_usd", totals.cost.dollars()}};
}

void tell(const BatchRecord& batch, const Collected& collected) {
  using How = Collected::How;
  const BatchView& view = collected.view;
  std::string line = batch_name(batch) + ": ";
  if (collected.how == How::under_way) {
    line += visible_line(view.status) + ", " + with_commas(view.completed + view.failed) + " of " +
            with_commas(view.total) + " done";
  } else if (collected.how == How::in_doubt) {
    line += "in doubt: " + visible_line(collected.word);
  } else if (collected.how == How::rejected) {
    line += "rejected by the provider (" + visible_line(collected.word) + "): its " + with_commas(collected.pending) +
            " requests are pending again";
  } else {
    line += visible_line(view.status) + ": " + with_commas(collected.answered) + " answered";
    if (collected.pending > 0) line += ", " + with_commas(collected.pending) + " pending again";
    if (collected.failed > 0) line += ", " + with_commas(collected.failed) + " failed";
    if (collected.already > 0) line += ", " + with_commas(collected.already) + " taken in before";
    if (collected.strange > 0) line += ", " + with_commas(collected.strange) + " lines of no question of ours";
  }
  say(line);
}

void add(Totals& totals, const Collected& collected) {
  using How = Collected::How;
  totals.answered += collected.answered;
  totals.pending += collected.pending;
  totals.failed += collected.failed;
  totals.already += collected.already;
  totals.strange += collected.strange;
  totals.batches += collected.how == How::collected;
  totals.rejected += collected.how == How::rejected;
  totals.in_doubt += collected.how == How::in_doubt;
  totals.under_way += collected.how == How::under_way;
}

void note(Totals& totals, const BatchRecord& batch, const Error& error) {
  say(batch_name(batch) + ": " + error.message);
  if (!totals.trouble || error.code == Errc::interrupted) totals.trouble = error;
}

/// Whether there is something to be taken in; a batch whose id is unknown is worth opening the corpus for.
Result<bool> is_ready(const BatchDesk& desk, const BatchRecord& batch, Collected& seen) {
  if (batch.state == BatchState::creating) return true;
  const WireResult reply = desk.wire->ask(desk.api->look(batch.provider_id));
  if (const auto* trouble = std::get_if<WireTrouble>(&reply)) return fail(trouble->error);
  auto view = desk.api->read_batch(std::get<WireReply>(reply).body);
  if (!view) return fail(Errc::refused, "the provider's word on it cannot be read");
  seen.view = std::move(*view);
  return seen.view.over;
}

/// Takes in what is ready of one teacher, in one run of the corpus.
Result<void> take_in(const BatchFlags& flags, Edges& edges, const BatchDesk& desk,
                     const std::vector<BatchRecord>& ready, Totals& totals) {
  const TeacherProfile& profile = desk.profile;
  auto log = batch_corpora().batch(flags.corpus, profile.identity, profile.terms,
                                   run_start(edges, "batch collect", {{"teacher", profile.identity.name}}));
  if (!log) return fail(log.error());
  Totals ours;
  BatchCollector collector(edges.clock, *desk.wire, **log, *desk.teacher, *desk.api, desk.settings);
  for (const BatchRecord& batch : ready) {
    const auto collected = collector.collect(batch);
    if (!collected) {
      note(ours, batch, collected.error());
      if (collected.error().code == Errc::interrupted || collected.error().code == Errc::corpus ||
          collected.error().code == Errc::disk)
        break;
      continue;
    }
    BatchRecord named = batch;
    if (named.provider_id.empty()) named.provider_id = collected->view.id;
    tell(named, *collected);
    add(ours, *collected);
  }
  ours.cost = collector.stats().used.money;
  if (const auto& why = collector.stats().last_failure; !why.empty()) say("last failure: " + why);
  const int code = ours.trouble ? exit_code_of(ours.trouble->code) : ours.failed > 0 ? kExitSomeFailed : kExitComplete;
  const auto closed = (*log)->close({code, ours.cost, as_json(ours)});
  totals.answered += ours.answered, totals.pending += ours.pending, totals.failed += ours.failed;
  totals.already += ours.already, totals.strange += ours.strange, totals.batches += ours.batches;
  totals.rejected += ours.rejected, totals.in_doubt += ours.in_doubt, totals.under_way += ours.under_way;
  totals.cost += ours.cost;
  if (ours.trouble && !totals.trouble) totals.trouble = ours.trouble;
  return closed;
}

Result<std::vector<BatchRecord>> to_look_at(const BatchFlags& flags) {
  auto batches = batch_corpora().batches(flags.corpus);
  if (!batches) return batches;
  const auto left = std::count_if(batches->begin(), batches->end(),
                                  [](const BatchRecord& batch) { return batch.state == BatchState::uploading; });
  if (left > 0)
    say(with_commas(left) + " batches were never handed over: the next retort batch submit goes on with them");
  std::erase_if(*batches, [&](const BatchRecord& batch) {
    return (batch.state != BatchState::submitted && batch.state != BatchState::creating) ||
           (!flags.teacher.empty() && batch.teacher.name != flags.teacher);
  });
  return batches;
}

Result<void> pass(const BatchFlags& flags, Edges& edges, BatchDesks& desks, const std::vector<BatchRecord>& batches,
                  Totals& totals, bool talk) {
  std::map<std::string, std::pair<BatchDesk*, std::vector<BatchRecord>>> ready;
  for (const BatchRecord& batch : batches) {
    if (interrupted()) return fail(Errc::interrupted, "stopped by a signal");
    const auto desk = desks.of(batch);
    if (!desk) {
      note(totals, batch, desk.error());
      continue;
    }
    Collected seen;
    const auto is = is_ready(**desk, batch, seen);
    if (!is) {
      note(totals, batch, is.error());
    } else if (*is) {
      auto& group = ready[batch.teacher.name];
      group.first = *desk;
      group.second.push_back(batch);
    } else {
      ++totals.under_way;
      if (talk) tell(batch, seen);
    }
  }
  for (const auto& [name, group] : ready) {
    if (auto done = take_in(flags, edges, *group.first, group.second, totals); !done) return done;
  }
  return {};
}

}  // namespace

Result<int> batch_collect(const BatchFlags& flags, Edges& edges) {
  BatchDesks desks(edges, flags.config);
  Totals totals;
  bool any = false;
  for (bool first = true;; first = false) {
    const auto batches = to_look_at(flags);
    if (!batches) return fail(batches.error());
    any |= !batches->empty();
    totals.under_way = totals.in_doubt = 0;
    if (auto done = pass(flags, edges, desks, *batches, totals, first); !done) return fail(done.error());
    if (!flags.wait || totals.trouble || totals.under_way + totals.in_doubt == 0) break;
    const auto desk = desks.of(batches->front());
    if (!desk) return fail(desk.error());
    if (!(*desk)->wire->sleep(from_seconds(flags.every_seconds))) return fail(Errc::interrupted, "stopped by a signal");
  }
  if (!any) {
    say("no batch is under way" + (flags.teacher.empty() ? std::string() : " for teacher '" + flags.teacher + "'"));
  } else {
    say(with_commas(totals.answered) + " answered, " + with_commas(totals.pending) + " pending again, " +
        with_commas(totals.failed) + " failed; cost " + as_dollars(totals.cost) +
        (totals.under_way > 0 ? "; " + with_commas(totals.under_way) + " batches under way" : std::string()));
  }
  if (flags.json) print_line(dump_json(as_json(totals)));
  if (totals.trouble) return fail(*totals.trouble);
  return totals.failed + totals.rejected + totals.in_doubt > 0 ? kExitSomeFailed : kExitComplete;
}

}  // namespace retort
