// A corpus for reading that is a list in memory, for tests of what stands between a corpus and its uses.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "core/corpus/corpus.h"

namespace retort {

class MemoryReader final : public CorpusReader {
 public:
  std::vector<Pair> pairs;  ///< of the view `all`, by ascending response id
  std::vector<Permission> stored;
  std::vector<Maker> makers;   ///< of prompts that teachers made
  std::size_t steps = 0;       ///< calls of pairs_after
  std::size_t limit_most = 0;  ///< the most pairs ever asked for at once

  Result<CorpusSummary> summary() override {
    CorpusSummary result;
    result.responses = static_cast<std::int64_t>(pairs.size());
    for (const Pair& pair : pairs) result.cost += pair.cost;
    return result;
  }

  Result<Pair> pair(RowId response) override {
    for (const Pair& found : pairs) {
      if (found.response == response) return found;
    }
    return fail(Errc::usage, "no response " + std::to_string(response));
  }

  Result<std::vector<Pair>> pairs_after(RowId after, std::size_t limit) override {
    ++steps;
    limit_most = std::max(limit_most, limit);
    std::vector<Pair> result;
    for (const Pair& found : pairs) {
      if (found.response > after && result.size() < limit) result.push_back(found);
    }
    return result;
  }

  Result<RowId> newest_response() override { return pairs.empty() ? RowId{0} : pairs.back().response; }
  Result<RowId> newest_tombstone() override { return RowId{0}; }
  Result<std::vector<TokenLogprob>> logprobs(RowId) override { return std::vector<TokenLogprob>(); }
  Result<std::vector<Permission>> permissions() override { return stored; }
  Result<std::optional<RequestState>> state_of(const std::string&) override { return std::optional<RequestState>(); }
  Result<Spent> spent() override { return Spent{}; }
  Result<Experience> experience(const TeacherIdentity&) override { return Experience{}; }
  Result<std::optional<ViewRecord>> view(const std::string&) override { return std::optional<ViewRecord>(); }
  Result<std::optional<ViewRecord>> view_of_digest(const std::string&, const std::string&) override {
    return std::optional<ViewRecord>();
  }
  Result<std::vector<ViewRecord>> views() override { return std::vector<ViewRecord>(); }
  Result<std::vector<ViewPair>> view_pairs_after(RowId, std::int64_t, const std::string&, std::size_t) override {
    return std::vector<ViewPair>();
  }
  Result<std::vector<std::pair<RowId, int>>> samples_after(RowId, std::size_t) override {
    return std::vector<std::pair<RowId, int>>();
  }
  Result<std::vector<WantedPrompt>> wanted_after(const Want*, std::size_t) override {
    return std::vector<WantedPrompt>();
  }
  Result<std::vector<LabelCount>> label_counts(const LabelsWanted&) override { return std::vector<LabelCount>(); }
  Result<std::vector<Maker>> makers_of(const std::string& text_digest) override {
    std::vector<Maker> found;
    for (const Maker& maker : makers) {
      if (maker.made.digest == text_digest) found.push_back(maker);
    }
    return found;
  }
  Result<std::vector<RunRecord>> runs() override { return std::vector<RunRecord>(); }
  Result<std::optional<ViewDrop>> dropped(RowId, RowId) override { return std::optional<ViewDrop>(); }
};

/// A pair that may be trained on, by a teacher that says nothing about its maker.
inline Pair make_pair(RowId response, std::string question, std::string answer) {
  Pair pair;
  pair.response = pair.request = pair.attempt = pair.prompt = response;
  pair.terms = 1;
  pair.messages = Json::array({{{"role", "user"}, {"content", std::move(question)}}});
  pair.source = "prompts.jsonl";
  pair.source_row = response;
  pair.parameters = Json::object();
  pair.answer.text = std::move(answer);
  pair.answer.served_model = "model-1";
  pair.answer.usage = {10, 20, {}, {}};
  pair.teacher = {"teacher", "openai-chat", "http://127.0.0.1:8000/v1", "model-1", ""};
  pair.rights = {"MIT", "https://example.org/terms", "2026-11-22", {}, true};
  pair.cost = Usd::from_dollars(0.5);
  pair.obtained = {1'700'000'000'000 + response};
  return pair;
}

}  // namespace retort
