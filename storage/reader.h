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
  Result<RowId> newest_tombstone() override;
  Result<std::vector<TokenLogprob>> logprobs(RowId response) override;
  Result<std::vector<Permission>> permissions() override;
  Result<std::optional<RequestState>> state_of(const std::string& request_digest) override;
  Result<Spent> spent() override;
  Result<Experience> experience(const TeacherIdentity& teacher) override;
  Result<std::optional<ViewRecord>> view(const std::string& name) override;
  Result<std::optional<ViewRecord>> view_of_digest(const std::string& name, const std::string& digest) override;
  Result<std::vector<ViewRecord>> views() override;
  Result<std::vector<ViewPair>> view_pairs_after(RowId view, std::int64_t after, const std::string& part,
                                                 std::size_t limit) override;
  Result<std::vector<std::pair<RowId, int>>> samples_after(RowId prompt, std::size_t limit) override;
  Result<std::vector<WantedPrompt>> wanted_after(const Want* last, std::size_t limit) override;
  Result<std::vector<LabelCount>> label_counts(const LabelsWanted& wanted) override;
  Result<std::vector<Maker>> makers_of(const std::string& text_digest) override;
  Result<std::vector<RunRecord>> runs() override;
  Result<std::optional<ViewDrop>> dropped(RowId view, RowId response) override;

 private:
  Result<void> count_totals(CorpusSummary& summary);
  Result<void> count_teachers(CorpusSummary& summary);
  Result<void> count_outcomes(CorpusSummary& summary);
  Result<Pair> read_pair(const Rows& row);
  /// The pair, and, if it was forgotten, the digest of what it was and its tombstone.
  Result<Pair> pair_or_grave(RowId response, std::string& content, RowId& tombstone);

  std::unique_ptr<Connection> connection_;
};

}  // namespace retort
