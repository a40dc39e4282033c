// The batch side of the fake teacher over sockets: both batch APIs and, beside them, single questions to the same
// model. A request can be held without a reply, so that a client may be killed at that point of a batch's life.
#pragma once

#include <mutex>
#include <string>

#include "tests/support/fake_batches.h"
#include "tests/support/raw_server.h"

namespace retort {

class FakeBatchServer {
 public:
  explicit FakeBatchServer(FakeBatchPlan plan = {});

  int port() const { return server_.port(); }
  std::string origin() const { return "http://127.0.0.1:" + std::to_string(port()); }
  FakeBatches& batches() { return batches_; }
  /// The next batch request of that step (FakeBatches::step_of) is left without a reply for good: "before create" is
  /// not carried out, "after create" is, "half results" sends half of its reply.
  void hold(const std::string& point);
  /// How many requests were held so far.
  int held() const;
  /// Single questions that were answered.
  int asked() const;

 private:
  void serve(RawConnection& connection);
  bool reply(RawConnection& connection, const RawRequest& request);

  FakeBatches batches_;
  mutable std::mutex mutex_;
  std::string hold_;
  int held_ = 0, asked_ = 0;
  RawServer server_;  ///< last: its threads use the rest
};

}  // namespace retort
