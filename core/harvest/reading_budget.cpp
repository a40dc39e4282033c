#include "core/harvest/reading_budget.h"

#include <algorithm>
#include <utility>

namespace retort {

void ReadingBudget::arrived(ExchangeId id, std::size_t bytes) {
  held_ += bytes;
  reading_[id] += bytes;
  if (!full() || id == reader_) return;
  if (paused_.insert(id).second) transport_.pause(id, true);
  let_one_read();
}

void ReadingBudget::ended(ExchangeId id) {
  paused_.erase(id);
  if (const auto found = reading_.find(id); found != reading_.end()) {
    on_the_way_to_disk_ += found->second;
    reading_.erase(found);
  }
  if (id == reader_) reader_ = {};
  if (full()) let_one_read();
}

// Only where nothing else will make room.
void ReadingBudget::let_one_read() {
  if (paused_.empty() || reader_ != ExchangeId{} || on_the_way_to_disk_ > 0) return;
  reader_ = *paused_.begin();  // the oldest
  paused_.erase(paused_.begin());
  transport_.pause(reader_, false);
}

void ReadingBudget::released(std::size_t bytes) {
  held_ -= std::min(bytes, held_);
  on_the_way_to_disk_ -= std::min(bytes, on_the_way_to_disk_);
  if (held_ > bytes_max_ / 4 * 3) return let_one_read();
  reader_ = {};
  for (const ExchangeId id : std::exchange(paused_, {})) transport_.pause(id, false);
}

}  // namespace retort
