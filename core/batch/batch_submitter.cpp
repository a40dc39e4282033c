#include "core/batch/batch_submitter.h"

#include <algorithm>
#include <limits>

#include "core/batch/result_lines.h"
#include "core/harvest/answers.h"
#include "core/harvest/prompt_intake.h"

namespace retort {
namespace {

constexpr std::size_t kBeginAtOnce = 256;

std::string hex_of(std::uint64_t number) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text(16, '0');
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = kDigits[(number >> (60 - 4 * i)) & 15];
  return text;
}

}  // namespace

bool is_batch_of(const BatchRecord& batch, const TeacherIdentity& teacher) {
  return batch.teacher.name == teacher.name && batch.teacher.dialect == teacher.dialect &&
         batch.teacher.base_url == teacher.base_url;
}

BatchSubmitter::BatchSubmitter(const Clock& clock, BatchWire& wire, BatchLog& log, PromptFeed& prompts,
                               const Teacher& teacher, const BatchApi& api, BatchSettings settings,
                               HarvestObserver& observer)
    : clock_(clock),
      wire_(wire),
      log_(log),
      prompts_(prompts),
      teacher_(teacher),
      api_(api),
      settings_(std::move(settings)),
      observer_(observer),
      uploader_(clock, wire, log, teacher, api, settings_.settle),
      budget_(settings_.harvest.caps, settings_.harvest.spent),
      planner_(settings_.harvest, report_.stats),
      keys_(settings_.key_seed) {}

SubmitReport BatchSubmitter::run(const TeacherIdentity& teacher) {
  resume(teacher);
  if (!report_.stopped) plan();
  // What was found before a cap or a signal is worth submitting; after trouble with disk, prompts or provider it is
  // not.
  if (!report_.stopped || report_.stopped->code == Errc::quota) close_batch();
  return std::move(report_);
}

void BatchSubmitter::resume(const TeacherIdentity& teacher) {
  const auto batches = log_.batches();
  if (!batches) return stop(batches.error());
  for (const BatchRecord& batch : *batches) {
    const bool unfinished = batch.state == BatchState::uploading || batch.state == BatchState::creating;
    if (unfinished && is_batch_of(batch, teacher) && !report_.stopped) bring(batch);
  }
}

void BatchSubmitter::plan() {
  while (!report_.stopped) {
    if (wire_.stopped()) return stop({Errc::interrupted, "stopped by a signal"});
    if (step()) continue;
    begin_placed();
    if (report_.stats.all_read && planner_.idle()) return;
    if (!report_.stopped && !report_.stats.all_read) wire_.idle();
  }
}

bool BatchSubmitter::step() {
  bool moved = false;
  const auto rows = report_.stats.rows + report_.stats.bad_rows;
  if (auto unusable = take_prompts(prompts_, planner_, teacher_, settings_.harvest, report_.stats, observer_)) {
    stop(std::move(*unusable));
    return false;
  }
  moved = rows != report_.stats.rows + report_.stats.bad_rows;
  while (auto lookup = planner_.next_lookup(report_.stats.all_read)) {
    auto found = log_.look_up(std::move(*lookup));
    if (!found) {
      stop(found.error());
      return false;
    }
    report_.in_batches += std::count_if(found->states.begin(), found->states.end(), is_in_batch);
    planner_.looked_up(std::move(*found));
    moved = true;
  }
  while (!report_.stopped) {
    auto work = planner_.take(clock_.now());
    if (!work) break;
    place(std::move(*work));
    moved = true;
  }
  begin_placed();
  return moved && !report_.stopped;
}

bool BatchSubmitter::fits(std::size_t line_bytes) const {
  return batch_requests_ < settings_.size_max.requests && batch_bytes_ + line_bytes <= settings_.size_max.bytes;
}

void BatchSubmitter::place(Work work) {
  constexpr RowId kLongestId = std::numeric_limits<RowId>::max();
  const std::string longest = custom_id(hex_of(0), kLongestId);
  const std::size_t bytes = api_.line(longest, teacher_.encode(work.question)).size();
  if (!fits(bytes)) {
    begin_placed();
    close_batch();
    if (report_.stopped) return;
    if (!fits(bytes)) {
      ++report_.too_large;
      return settled(work);
    }
  }
  const Cost bound = at_price(teacher_.bound(work.question), settings_.price_factor);
  if (budget_.reserve(bound) != Budget::Grant::granted) {
    return stop({Errc::quota, "the cap is reached: " + budget_.reached() +
                                  "; what is missing stays pending: raise the cap and run the same command again"});
  }
  report_.reserved += bound.money;
  ++batch_requests_;
  batch_bytes_ += bytes;
  placed_.push_back({std::move(work), bound});
  if (placed_.size() >= kBeginAtOnce) begin_placed();
}

// On record before anything leaves this machine.
void BatchSubmitter::begin_placed() {
  if (placed_.empty()) return;
  if (batch_ == 0) {
    key_ = hex_of(keys_.next());
    const auto opened = log_.open(key_);
    if (!opened) return stop(opened.error());
    batch_ = *opened;
  }
  std::vector<AttemptStart> starts;
  starts.reserve(placed_.size());
  for (const Place& one : placed_)
    starts.push_back({one.work.request, one.work.question.max_tokens, one.bound, one.work.also});
  const auto begun = log_.begin(batch_, starts);
  if (!begun) return stop(begun.error());
  for (const Place& one : placed_) {
    ++report_.stats.attempts;
    settled(one.work);
  }
  placed_.clear();
}

void BatchSubmitter::close_batch() {
  begin_placed();
  if (batch_ == 0 || (report_.stopped && report_.stopped->code != Errc::quota)) return;
  BatchRecord batch;
  batch.id = std::exchange(batch_, 0);
  batch.key = key_;
  batch_requests_ = batch_bytes_ = 0;
  bring(batch);
}

void BatchSubmitter::bring(const BatchRecord& batch) {
  auto brought = uploader_.bring(batch);
  if (!brought) return stop(brought.error());
  if (brought->how == Brought::How::submitted) {
    observer_.notice("batch " + std::to_string(batch.id) + ": " + std::to_string(brought->requests) +
                     " requests submitted as " + brought->id);
  } else if (brought->how == Brought::How::in_doubt) {
    observer_.notice("batch " + std::to_string(batch.id) + " is in doubt: " + brought->doubt +
                     "; nothing of it is asked again until that is known");
  }
  report_.batches.push_back({batch.id, std::move(*brought)});
}

void BatchSubmitter::settled(const Work& work) {
  for (const RowId request : requests_of(work)) planner_.finished(request);
}

void BatchSubmitter::stop(Error error) {
  if (!report_.stopped || report_.stopped->code == Errc::quota) report_.stopped = std::move(error);
}

}  // namespace retort
