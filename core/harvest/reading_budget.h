// One bound on the response bytes in memory, over all connections: from the wire until they are on disk.
#pragma once

#include <cstddef>
#include <map>
#include <set>

#include "core/net/transport.h"

namespace retort {

/// Beyond the bound all reading pauses but one connection's, so that something ends and makes room.
class ReadingBudget {
 public:
  /// `transport` must outlive it.
  ReadingBudget(Transport& transport, std::size_t bytes_max) : transport_(transport), bytes_max_(bytes_max) {}

  /// Bytes came for an exchange.
  void arrived(ExchangeId id, std::size_t bytes);
  /// The exchange has ended; its bytes are still held.
  void ended(ExchangeId id);
  /// Bytes are on disk, or dropped.
  void released(std::size_t bytes);
  /// While full, nothing new should be sent.
  bool full() const { return held_ > bytes_max_; }
  std::size_t held() const { return held_; }

 private:
  void let_one_read();

  Transport& transport_;
  const std::size_t bytes_max_;
  std::size_t held_ = 0;
  std::size_t on_the_way_to_disk_ = 0;
  std::map<ExchangeId, std::size_t> reading_;
  std::set<ExchangeId> paused_;
  ExchangeId reader_{};  ///< the one that goes on while the others pause
};

}  // namespace retort
