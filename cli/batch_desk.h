// One teacher's batch API with all that it takes to use it: profile, key, codecs, wire.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cli/batch.h"
#include "cli/config.h"
#include "core/batch/batch_settings.h"
#include "core/batch/batch_wire.h"
#include "core/corpus/batch.h"

namespace retort {

struct BatchFlags {
  std::string corpus = "corpus.db";
  std::string config;
  std::string teacher;                ///< of status, collect, cancel: only that one's batches; empty: all
  std::vector<std::string> batches;   ///< of cancel: our numbers or the provider's ids
  bool all = false, give_up = false;  ///< of cancel
  bool wait = false;                  ///< of collect
  double every_seconds = 60;          ///< of collect --wait
  bool offline = false;               ///< of status
  bool json = false;
};

struct BatchDesk {
  TeacherProfile profile;
  std::unique_ptr<Teacher> teacher;
  std::unique_ptr<BatchApi> api;
  BatchSettings settings;
  std::unique_ptr<Transport> transport;
  std::unique_ptr<BatchWire> wire;
};

/// Errc::usage if its dialect has no batch API, or the key is missing. `harvest` is what its profile says otherwise.
Result<BatchDesk> open_desk(Edges& edges, TeacherProfile profile, std::unique_ptr<Teacher> teacher,
                            HarvestSettings harvest);

/// Opens desks as they are needed, from the configuration.
class BatchDesks {
 public:
  BatchDesks(Edges& edges, std::string config) : edges_(edges), config_(std::move(config)) {}
  ~BatchDesks();
  /// Of the profile that a batch was made by. Errc::usage if it is gone, or points to another server now.
  Result<BatchDesk*> of(const BatchRecord& batch);

 private:
  Edges& edges_;
  std::string config_;
  std::optional<Configuration> configuration_;
  std::map<std::string, BatchDesk> desks_;
};

/// "batch 3 (msgbatch_01…)"
std::string batch_name(const BatchRecord& batch);

Result<int> batch_collect(const BatchFlags& flags, Edges& edges);
Result<int> batch_status(const BatchFlags& flags, Edges& edges);
Result<int> batch_cancel(const BatchFlags& flags, Edges& edges);

}  // namespace retort
