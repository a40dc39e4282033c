// A page of Parquet says itself how large it is when unpacked, and a hostile one says gigabytes: Arrow asks here first.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include <arrow/memory_pool.h>
#include <arrow/status.h>

namespace retort {

/// Thread-safe, as Arrow's pools are; what several threads ask for at once may pass the cap by that much.
class CappedPool final : public arrow::MemoryPool {
 public:
  explicit CappedPool(std::int64_t bytes_max) : bytes_max_(bytes_max) {}

  using MemoryPool::Allocate;
  using MemoryPool::Free;
  using MemoryPool::Reallocate;

  arrow::Status Allocate(std::int64_t size, std::int64_t alignment, std::uint8_t** out) override {
    if (auto fits = check(size); !fits.ok()) return fits;
    ARROW_RETURN_NOT_OK(pool_.Allocate(size, alignment, out));
    held_ += size;
    return arrow::Status::OK();
  }
  arrow::Status Reallocate(std::int64_t before, std::int64_t after, std::int64_t alignment,
                           std::uint8_t** bytes) override {
    if (auto fits = check(after - before); !fits.ok()) return fits;
    ARROW_RETURN_NOT_OK(pool_.Reallocate(before, after, alignment, bytes));
    held_ += after - before;
    return arrow::Status::OK();
  }
  void Free(std::uint8_t* bytes, std::int64_t size, std::int64_t alignment) override {
    pool_.Free(bytes, size, alignment);
    held_ -= size;
  }
  std::int64_t bytes_allocated() const override { return held_; }
  std::int64_t max_memory() const override { return pool_.max_memory(); }
  std::int64_t total_bytes_allocated() const override { return pool_.total_bytes_allocated(); }
  std::int64_t num_allocations() const override { return pool_.num_allocations(); }
  std::string backend_name() const override { return pool_.backend_name(); }

 private:
  arrow::Status check(std::int64_t more) const {
    if (held_ + more <= bytes_max_) return arrow::Status::OK();
    return arrow::Status::CapacityError("wants more than ", bytes_max_ >> 20, " MiB of memory");
  }

  arrow::MemoryPool& pool_ = *arrow::default_memory_pool();
  std::int64_t bytes_max_;
  std::atomic<std::int64_t> held_ = 0;
};

}  // namespace retort
