// Reading a corpus while a harvest writes it: every call is a short step of its own.
#pragma once

#include <memory>

#include "core/corpus/corpus.h"
#include "storage/connection.h"

namespace retort {

class SqliteReader final : public CorpusReader {
 public:
  explicit SqliteReader(std::unique_ptr<Connection> connection) : connection_(std::move(connection)) {}

  Result<CorpusSummary> summary() override;
  Result<Pair> pair(RowId response) override;
  Result<std::vector<Pair>> pairs_after(RowId after, std::size_t limit) override;
  Result<RowId> newest_response() override;
  Result<std::vector<Permission>> permissions() override;
  Result<std::optional<RequestState>> state_of(const std::string& request_digest) override;
  Result<Spent> spent() override;
  Result<Experience> experience(const TeacherIdentity& teacher) override;

 private:
  Result<void> count_totals(CorpusSummary& summary);
  Result<void> count_teachers(CorpusSummary& summary);
  Result<void> count_outcomes(CorpusSummary& summary);
  Result<Pair> read_pair(const Rows& row);

  std::unique_ptr<Connection> connection_;
};

}  // namespace retort
