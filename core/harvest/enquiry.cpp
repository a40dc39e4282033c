#include "core/harvest/enquiry.h"

#include <deque>

namespace retort {

class Enquiry::Queue final : public PromptFeed {
 public:
  FeedEvent poll() override {
    if (rows.empty()) return ended ? FeedEvent(EndOfPrompts{}) : FeedEvent(NothingYet{});
    FeedEvent row = std::move(rows.front());
    rows.pop_front();
    return row;
  }
  std::optional<double> fraction_read() const override { return {}; }

  std::deque<PromptRow> rows;
  bool ended = false;
};

/// Looks over the observer's shoulder: what has become of the rows that were given.
class Enquiry::Watch final : public HarvestObserver {
 public:
  explicit Watch(HarvestObserver& observer) : observer_(observer) {}
  Instant progress(const HarvestStats& stats, Instant now) override {
    settled = stats.unfinished == 0 ? stats.rows + stats.bad_rows : -1;
    return observer_.progress(stats, now);
  }
  void notice(const std::string& line) override { observer_.notice(line); }

  std::int64_t settled = 0;  ///< rows, once nothing is unfinished

 private:
  HarvestObserver& observer_;
};

Enquiry::Enquiry(const Clock& clock, Transport& transport, HarvestLog& log, const Teacher& teacher, PaceBook& pace,
                 HarvestSettings settings, HarvestObserver& observer)
    : transport_(transport),
      queue_(std::make_unique<Queue>()),
      watch_(std::make_unique<Watch>(observer)),
      harvester_(clock, transport, log, *queue_, teacher, pace, std::move(settings), *watch_) {}

Enquiry::~Enquiry() = default;

// What the transport reported last is acted on before anything is waited for.
bool Enquiry::turn(const std::function<bool()>& stop_requested) {
  const std::optional<Instant> until = harvester_.turn(events_, stop_requested());
  events_ = {};
  over_ = !until;
  if (over_ || (!queue_->ended && watch_->settled == given_)) return false;
  events_ = transport_.wait(*until);
  return true;
}

Result<void> Enquiry::ask(std::vector<PromptRow> rows, const std::function<bool()>& stop_requested) {
  if (over_) return fail(Errc::usage, "the harvest has stopped: nothing more is asked");
  given_ += static_cast<std::int64_t>(rows.size());
  for (PromptRow& row : rows) queue_->rows.push_back(std::move(row));
  while (turn(stop_requested)) {
  }
  if (!over_) return {};
  const HarvestReport report = harvester_.report();
  return fail(report.stopped.value_or(Error{Errc::interrupted, "the harvest has stopped"}));
}

HarvestReport Enquiry::end(const std::function<bool()>& stop_requested) {
  queue_->ended = true;
  while (!over_ && turn(stop_requested)) {
  }
  return harvester_.report();
}

}  // namespace retort
