// The writer behind `curate`: small transactions beside a running harvest, so that neither waits long for the other.
#pragma once

#include <memory>

#include "core/base/clock.h"
#include "core/corpus/curation.h"
#include "storage/connection.h"

namespace retort {

class SqliteCurationLog final : public CurationLog {
 public:
  SqliteCurationLog(std::unique_ptr<Connection> connection, const Clock& clock, RowId run)
      : connection_(std::move(connection)), clock_(clock), run_(run) {}

  Result<RowId> stage(const StageRecord& stage) override;
  Result<std::vector<StoredLabel>> labels(RowId stage, RowId first, RowId last) override;
  Result<void> put(std::span<const std::pair<RowId, StoredLabel>> labels) override;
  Result<RowId> begin_view(const ViewRecord& view) override;
  Result<void> add(RowId view, std::int64_t first_position, std::span<const ViewEntry> entries) override;
  Result<void> add(RowId view, std::span<const ViewDrop> drops) override;
  Result<void> end_view(RowId view, const ViewRecord& record) override;
  Result<void> clear_unfinished_views() override;
  Result<void> put(std::span<const Want> wants) override;
  Result<void> put(std::span<const MadePrompt> made) override;
  Result<void> close(const RunEnd& end) override;

 private:
  std::unique_ptr<Connection> connection_;
  const Clock& clock_;
  RowId run_;
};

}  // namespace retort
