#include "core/prompt/prompt_feed.h"

namespace retort {
namespace {
constexpr std::size_t kRowsAhead = 1024;  // and as many again are being taken
}

struct BackgroundFeed::Shared {
  std::unique_ptr<PromptSource> source;  // touched by the reading thread alone
  std::mutex mutex;
  std::condition_variable room;
  std::deque<PromptEvent> rows;
  std::function<void()> wake;
  std::optional<double> fraction;
  bool ended = false;
  bool abandoned = false;
  bool reader_waits = false;  // poll() said NothingYet
};

BackgroundFeed::BackgroundFeed(std::unique_ptr<PromptSource> source, std::function<void()> wake)
    : shared_(std::make_shared<Shared>()) {
  fraction_ = shared_->fraction = source->fraction_read();
  shared_->source = std::move(source);
  shared_->wake = std::move(wake);
  std::thread(read_all, shared_).detach();
}

BackgroundFeed::~BackgroundFeed() {
  const std::lock_guard lock(shared_->mutex);
  shared_->abandoned = true;
  shared_->wake = nullptr;
  shared_->room.notify_all();
}

void BackgroundFeed::read_all(std::shared_ptr<Shared> shared) {
  while (true) {
    std::optional<PromptEvent> event = shared->source->next();
    std::unique_lock lock(shared->mutex);
    shared->fraction = shared->source->fraction_read();
    shared->room.wait(lock, [&] { return shared->abandoned || shared->rows.size() < kRowsAhead; });
    if (shared->abandoned) return;
    const bool end = !event;
    if (end)
      shared->ended = true;
    else
      shared->rows.push_back(std::move(*event));
    if (shared->reader_waits) {
      shared->reader_waits = false;
      shared->wake();  // under the lock: the feed's destructor waits for it
    }
    if (end) return;
  }
}

FeedEvent BackgroundFeed::poll() {
  if (taken_.empty()) {
    // All at once: a lock and a wake-up for each row would cost more than reading it.
    const std::lock_guard lock(shared_->mutex);
    fraction_ = shared_->fraction;
    if (shared_->rows.empty()) {
      if (shared_->ended) return EndOfPrompts{};
      shared_->reader_waits = true;
      return NothingYet{};
    }
    taken_.swap(shared_->rows);
    shared_->room.notify_one();
  }
  PromptEvent event = std::move(taken_.front());
  taken_.pop_front();
  return std::visit([](auto&& row) -> FeedEvent { return std::move(row); }, std::move(event));
}

}  // namespace retort
