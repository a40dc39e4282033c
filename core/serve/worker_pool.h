// Threads for httplib that start when they are needed. Its own pool starts all of them at once and never more, while a
// kept-alive connection holds a thread for as long as it rests: a harvest with 300 connections would starve on the
// default.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include <httplib.h>

namespace retort {

class WorkerPool final : public httplib::TaskQueue {
 public:
  explicit WorkerPool(int threads_max) : threads_max_(static_cast<std::size_t>(threads_max)) {}
  ~WorkerPool() override { shutdown(); }

  void enqueue(std::function<void()> task) override {
    {
      const std::lock_guard lock(mutex_);
      tasks_.push_back(std::move(task));
      if (idle_ < tasks_.size() && threads_.size() < threads_max_) {
        threads_.emplace_back([this] { work(); });
      }
    }
    ready_.notify_one();
  }

  /// Ends when every task, queued ones too, has ended.
  void shutdown() override {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    ready_.notify_all();
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }

 private:
  void work() {
    std::unique_lock lock(mutex_);
    for (;;) {
      ++idle_;
      ready_.wait(lock, [this] { return stopping_ || !tasks_.empty(); });
      --idle_;
      if (tasks_.empty()) return;
      const std::function<void()> task = std::move(tasks_.front());
      tasks_.pop_front();
      lock.unlock();
      task();
      lock.lock();
    }
  }

  const std::size_t threads_max_;
  std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<std::function<void()>> tasks_;
  std::vector<std::thread> threads_;
  std::size_t idle_ = 0;
  bool stopping_ = false;
};

}  // namespace retort
