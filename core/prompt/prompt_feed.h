// Prompts as the event loop wants them: never waiting. A pipe may be silent for hours while answers arrive.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <variant>

#include "core/prompt/prompt_source.h"

namespace retort {

/// Nothing now; the feed wakes whoever was named when there is more.
struct NothingYet {};
struct EndOfPrompts {};
using FeedEvent = std::variant<PromptRow, BadRow, NothingYet, EndOfPrompts>;

class PromptFeed {
 public:
  virtual ~PromptFeed() = default;
  virtual FeedEvent poll() = 0;
  virtual std::optional<double> fraction_read() const = 0;
};

/// Reads a source in a thread of its own, a bounded number of rows ahead.
class BackgroundFeed final : public PromptFeed {
 public:
  /// `wake` is called from the reading thread when poll() has something to say after NothingYet.
  BackgroundFeed(std::unique_ptr<PromptSource> source, std::function<void()> wake);
  /// Does not wait for a silent pipe: a reader that is stuck in one is left behind and touches nothing of ours.
  ~BackgroundFeed() override;
  FeedEvent poll() override;
  std::optional<double> fraction_read() const override { return fraction_; }

 private:
  struct Shared;
  static void read_all(std::shared_ptr<Shared> shared);
  std::shared_ptr<Shared> shared_;
  std::deque<PromptEvent> taken_;
  std::optional<double> fraction_;
};

}  // namespace retort
