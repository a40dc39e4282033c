#include "core/batch/batch_finder.h"

#include <set>

#include "core/batch/result_lines.h"

namespace retort {
namespace {

using Is = FoundBatch::Is;

// More pages than anybody has; a list that turns in circles ends there.
constexpr int kPagesMax = 1000;
// The provider's clock and ours may differ by so much.
constexpr std::int64_t kSkewMs = 15 * 60 * 1000;

bool has_no_list(int status) { return status == 404 || status == 405 || status == 501; }

}  // namespace

Result<FoundBatch> BatchFinder::find(const BatchRecord& batch) {
  Result<FoundBatch> found = look(batch);
  if (!found || found->is != Is::absent || !batch.creating) return found;
  // What was created a moment ago may not stand in the list yet.
  const std::int64_t age = clock_.wall().ms - batch.creating->ms;
  const std::int64_t young = std::chrono::duration_cast<std::chrono::milliseconds>(settle_).count();
  if (age < 0 || age >= young) return found;
  if (!wire_.sleep(std::chrono::milliseconds(young - age))) return fail(Errc::interrupted, "stopped by a signal");
  return look(batch);
}

Result<FoundBatch> BatchFinder::look(const BatchRecord& batch) {
  const auto known = log_.batches();
  if (!known) return fail(known.error());
  std::set<std::string> ours;
  for (const BatchRecord& one : *known) ours.insert(one.provider_id);
  FoundBatch result;
  std::string next;
  for (int page_number = 0; page_number < kPagesMax; ++page_number) {
    const WireResult reply = wire_.ask(api_.list(next));
    if (const auto* trouble = std::get_if<WireTrouble>(&reply)) {
      if (!has_no_list(trouble->status)) return fail(trouble->error);
      return FoundBatch{Is::in_doubt, {}, "the server does not list its batches"};
    }
    const auto page = api_.read_page(std::get<WireReply>(reply).body);
    if (!page) return FoundBatch{Is::in_doubt, {}, "the server's list of batches cannot be read"};
    for (const BatchView& view : page->batches) {
      if (ours.count(view.id) != 0) continue;
      auto judged = judge(batch, view);
      if (!judged || judged->is == Is::there) return judged;
      if (judged->is == Is::in_doubt) result = std::move(*judged);
    }
    if (page->next.empty() || page->next == next || !is_plain_id(page->next)) return result;
    next = page->next;
  }
  return FoundBatch{Is::in_doubt, {}, "the server's list of batches has no end"};
}

Result<FoundBatch> BatchFinder::judge(const BatchRecord& batch, const BatchView& view) {
  if (api_.tells_whose()) {
    const bool is_ours = view.key == batch.key || (!batch.input_file.empty() && view.input_file == batch.input_file);
    return FoundBatch{is_ours ? Is::there : Is::absent, view, {}};
  }
  // Nothing but its size and its time speaks for it; its results, once there are some, speak clearly.
  if (view.total != batch.open) return FoundBatch{};
  if (view.created && batch.creating && view.created->ms < batch.creating->ms - kSkewMs) return FoundBatch{};
  if (!view.over) {
    return FoundBatch{
        Is::in_doubt, view,
        "it may be " + view.id + ", which was made at that time and has as many questions: its results " + "will tell"};
  }
  return by_results(batch, view);
}

Result<FoundBatch> BatchFinder::by_results(const BatchRecord& batch, const BatchView& view) {
  std::optional<bool> is_ours;
  LineSplitter lines(1 << 20);
  const LineSplitter::Take look = [&](std::string_view line, bool whole) {
    if (is_ours) return;
    const auto read = whole ? api_.read_line(line) : std::nullopt;
    is_ours = (read ? attempt_of(read->custom_id, batch.key) : attempt_within(line, batch.key)).has_value();
  };
  const WireResult reply = wire_.stream(
      api_.results(view.id), [&] { lines.reset(); },
      [&](std::string_view bytes) {
        lines.feed(bytes, look);
        return !is_ours.has_value();
      });
  lines.end(look);
  if (is_ours) return FoundBatch{*is_ours ? Is::there : Is::absent, view, {}};
  if (const auto* trouble = std::get_if<WireTrouble>(&reply); trouble && !has_no_list(trouble->status))
    return fail(trouble->error);
  return FoundBatch{Is::in_doubt, view, "it may be " + view.id + ", whose results are not to be had"};
}

}  // namespace retort
