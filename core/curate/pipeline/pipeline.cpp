#include "core/curate/pipeline/pipeline.h"

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <future>
#include <mutex>

#include "core/base/hash.h"
#include "core/base/text.h"
#include "core/corpus/content_digest.h"
#include "core/curate/pipeline/sketches.h"

namespace retort {
namespace {

constexpr std::size_t kReasonBytesMax = 400;
constexpr std::size_t kRowsPerTransaction = 2000;

struct RowSlot {
  RowStage* stage = nullptr;
  RowId id = 0;
  FunnelLine* line = nullptr;
  std::unique_ptr<std::mutex> turn;  ///< of a stage that is not pure
};
struct SetSlot {
  const SetStage* stage = nullptr;
  FunnelLine* line = nullptr;
};

/// What is done in one reading of the corpus: row stages, then the set stages that follow them.
struct Pass {
  std::vector<RowSlot> rows;
  std::vector<SetSlot> sets;
};

using Labels = std::vector<std::vector<StoredLabel>>;  ///< of each row stage, ascending by response

/// One pair on its way.
struct Traveller {
  Survivor survivor;
  std::int32_t sample = 0;
  Usd cost;
  std::vector<std::string> sketches;  ///< of each set stage, if it came so far
  int dropped_by = -1;                ///< row stage
  std::string reason, detail;
  std::vector<std::int8_t> verdicts;  ///< of each row stage: 1 right, 0 wrong, -1 neither
};

struct Judged {
  std::vector<Traveller> travellers;
  std::vector<std::pair<RowId, StoredLabel>> labels;  ///< new ones
  std::vector<std::int64_t> known;                    ///< of each row stage
};

std::int64_t tokens_of(const Pair& pair) {
  if (pair.answer.usage.output) return *pair.answer.usage.output;
  return static_cast<std::int64_t>((pair.answer.text.size() + pair.answer.reasoning.size() + 3) / 4);
}

std::int8_t verdict_of(const RowStage& stage, const Label& label) {
  if (!stage.verifies()) return -1;
  return label.value == "right" ? 1 : label.value == "wrong" ? 0 : -1;
}

Traveller set_out(const Pair& pair, std::string& input) {
  Traveller traveller;
  traveller.survivor.response = pair.response;
  traveller.survivor.prompt = pair.prompt;
  traveller.survivor.tokens = tokens_of(pair);
  traveller.survivor.prompt_hash = prompt_hash_of(sha256_hex(canonical_json(pair.messages)));
  traveller.sample = pair.sample;
  traveller.cost = pair.cost;
  const std::string content = content_digest(pair);
  std::copy(content.begin(), content.end(), traveller.survivor.content.begin());
  input = sha256_hex(content + dump_json(pair.reference) + dump_json(pair.metadata) + dump_json(pair.teacher.vendor) +
                     dump_json(pair.teacher.model) + dump_json(pair.answer.served_model) +
                     dump_json(pair.answer.provider_finish))
              .substr(0, 16);
  return traveller;
}

Label label_of(const StoredLabel& stored) { return {stored.value, stored.reason, stored.score.value_or(0)}; }

/// Calls one row stage for what it has not judged before, and drops by what it says.
Result<void> apply(const Pass& pass, std::size_t index, const std::vector<Pair>& pairs,
                   const std::vector<std::string>& inputs, const Labels& known, Judged& judged) {
  const RowSlot& slot = pass.rows[index];
  std::vector<Label> labels(pairs.size());
  std::vector<const Pair*> unknown;
  std::vector<std::size_t> where;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    if (judged.travellers[i].dropped_by >= 0) continue;
    const auto found = std::lower_bound(known[index].begin(), known[index].end(), pairs[i].response,
                                        [](const StoredLabel& label, RowId id) { return label.response < id; });
    if (found != known[index].end() && found->response == pairs[i].response && found->input == inputs[i]) {
      labels[i] = label_of(*found);
      ++judged.known[index];
    } else {
      unknown.push_back(&pairs[i]);
      where.push_back(i);
    }
  }
  if (!unknown.empty()) {
    std::unique_lock<std::mutex> turn;
    if (slot.turn) turn = std::unique_lock(*slot.turn);
    auto fresh = slot.stage->judge(unknown);
    if (!fresh) return fail(fresh.error());
    RETORT_ASSERT(fresh->size() == unknown.size());
    for (std::size_t k = 0; k < where.size(); ++k) {
      Label& label = (*fresh)[k];
      label.reason = shortened(on_one_line(to_valid_utf8(label.reason)), kReasonBytesMax);
      if (slot.stage->keeps(label)) {
        judged.labels.push_back(
            {slot.id, {unknown[k]->response, inputs[where[k]], label.value, label.score, label.reason}});
      }
      labels[where[k]] = std::move(label);
    }
  }
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    Traveller& traveller = judged.travellers[i];
    if (traveller.dropped_by >= 0) continue;
    traveller.verdicts[index] = verdict_of(*slot.stage, labels[i]);
    traveller.reason = slot.stage->drop(pairs[i], labels[i]);
    if (traveller.reason.empty()) continue;
    traveller.dropped_by = static_cast<int>(index);
    traveller.detail = std::move(labels[i].reason);
  }
  return {};
}

Result<Judged> judge_batch(const Pass& pass, const std::vector<Pair>& pairs, const Labels& known) {
  Judged judged;
  judged.known.resize(pass.rows.size());
  std::vector<std::string> inputs(pairs.size());
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    judged.travellers.push_back(set_out(pairs[i], inputs[i]));
    judged.travellers.back().verdicts.assign(pass.rows.size(), -1);
  }
  for (std::size_t index = 0; index < pass.rows.size(); ++index) {
    if (auto done = apply(pass, index, pairs, inputs, known, judged); !done) return fail(done.error());
  }
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    if (judged.travellers[i].dropped_by >= 0) continue;
    for (const SetSlot& slot : pass.sets) judged.travellers[i].sketches.push_back(slot.stage->sketch(pairs[i]));
  }
  return judged;
}

class Runner {
 public:
  Runner(CorpusReader& reader, CurationLog& log, RowId view, const PipelineSettings& settings)
      : reader_(reader), log_(log), view_(view), settings_(settings) {}

  Result<PipelineResult> run(Pipeline& pipeline) {
    auto passes = plan(pipeline);
    if (!passes) return fail(passes.error());
    for (std::size_t i = 0; i < passes->size(); ++i) {
      if (auto done = run_pass((*passes)[i], i == 0); !done) return fail(done.error());
    }
    if (auto done = flush(0); !done) return fail(done.error());
    return std::move(result_);
  }

 private:
  Result<std::vector<Pass>> plan(Pipeline& pipeline) {
    result_.funnel.resize(pipeline.stages().size());
    std::vector<Pass> passes(1);
    for (std::size_t i = 0; i < pipeline.stages().size(); ++i) {
      FunnelLine& line = result_.funnel[i];
      if (auto* row = std::get_if<std::unique_ptr<RowStage>>(&pipeline.stages()[i])) {
        if (!passes.back().sets.empty()) passes.emplace_back();
        RowStage& stage = **row;
        const auto id = log_.stage({stage.digest(), stage.name(), stage.settings()});
        if (!id) return fail(id.error());
        line.stage = stage.name();
        passes.back().rows.push_back({&stage, *id, &line, stage.pure() ? nullptr : std::make_unique<std::mutex>()});
      } else {
        const SetStage& stage = *std::get<std::unique_ptr<SetStage>>(pipeline.stages()[i]);
        line.stage = stage.name();
        passes.back().sets.push_back({&stage, &line});
      }
    }
    return passes;
  }

  // The next pairs that are still in, in short steps; fewer only at the end.
  Result<std::vector<Pair>> next_pairs(bool first) {
    while (true) {
      auto pairs = reader_.pairs_after(after_, settings_.batch);
      if (!pairs) return pairs;
      if (pairs->empty()) return pairs;
      after_ = pairs->back().response;
      std::erase_if(*pairs, [&](const Pair& pair) { return pair.response > settings_.frozen_at; });
      if (!first) {
        std::erase_if(*pairs, [&](const Pair& pair) {
          while (before_at_ < before_.size() && before_[before_at_].response < pair.response) ++before_at_;
          return before_at_ == before_.size() || before_[before_at_].response != pair.response;
        });
      }
      if (!pairs->empty() || after_ >= settings_.frozen_at) return pairs;
    }
  }

  Result<void> run_pass(const Pass& pass, bool first) {
    before_ = std::move(result_.kept);
    before_at_ = 0;
    result_.kept.clear();
    sketches_.assign(pass.sets.size(), {});
    after_ = 0;
    struct Task {
      std::shared_ptr<std::vector<Pair>> pairs;
      std::future<Result<Judged>> judged;
    };
    std::deque<Task> tasks;
    const std::size_t tasks_max = static_cast<std::size_t>(std::max(1, settings_.threads));
    bool more = true;
    Result<void> trouble;
    while (trouble && (more || !tasks.empty())) {
      if (settings_.should_stop()) trouble = fail(Errc::interrupted, "stopped: what was labelled stays; run it again");
      if (trouble && more && tasks.size() < tasks_max) {
        auto pairs = next_pairs(first);
        if (!pairs) trouble = fail(pairs.error());
        more = trouble && !pairs->empty();
        if (!more) continue;
        auto known = std::make_shared<Labels>();
        for (const RowSlot& slot : pass.rows) {
          auto labels = log_.labels(slot.id, pairs->front().response, pairs->back().response);
          if (!labels) trouble = fail(labels.error());
          known->push_back(labels ? std::move(*labels) : std::vector<StoredLabel>());
        }
        auto batch = std::make_shared<std::vector<Pair>>(std::move(*pairs));
        tasks.push_back({batch, std::async(std::launch::async,
                                           [&pass, batch, known] { return judge_batch(pass, *batch, *known); })});
        continue;
      }
      if (!trouble) break;
      Result<Judged> judged = tasks.front().judged.get();
      tasks.pop_front();
      if (judged)
        trouble = take(pass, first, std::move(*judged));
      else
        trouble = fail(judged.error());
    }
    for (Task& task : tasks) {  // they refer to what is about to go; what they found is not lost
      if (Result<Judged> judged = task.judged.get(); judged && trouble.error().code == Errc::interrupted)
        (void)keep_labels(std::move(judged->labels));
    }
    if (!trouble) {
      (void)flush(0);
      return trouble;
    }
    before_.clear();
    for (std::size_t i = 0; i < pass.sets.size(); ++i) {
      if (auto done = choose(pass, i); !done) return done;
    }
    return {};
  }

  Result<void> take(const Pass& pass, bool first, Judged judged) {
    for (Traveller& traveller : judged.travellers) {
      if (first) {
        ++result_.pairs;
        result_.cost += traveller.cost;
      }
      for (std::size_t i = 0; i < pass.rows.size(); ++i) {
        FunnelLine& line = *pass.rows[i].line;
        ++line.in;
        if (traveller.verdicts[i] >= 0) grade(traveller, traveller.verdicts[i] == 1);
        if (traveller.dropped_by == static_cast<int>(i)) {
          drop(pass.rows[i], traveller);
          break;
        }
        ++line.out;
      }
      if (traveller.dropped_by >= 0) continue;
      result_.kept.push_back(traveller.survivor);
      for (std::size_t i = 0; i < pass.sets.size(); ++i) sketches_[i].push_back(traveller.sketches[i]);
    }
    for (std::size_t i = 0; i < pass.rows.size(); ++i) pass.rows[i].line->known += judged.known[i];
    for (const auto& [id, label] : judged.labels) {
      for (const RowSlot& slot : pass.rows) {
        if (slot.id == id) ++slot.line->judged;
      }
    }
    settings_.progress(pass.rows.empty() ? "reading" : "judging", result_.pairs);
    if (auto done = keep_labels(std::move(judged.labels)); !done) return done;
    return flush(kRowsPerTransaction);
  }

  void grade(const Traveller& traveller, bool right) {
    PromptTally& tally = result_.tallies[traveller.survivor.prompt];
    ++(right ? tally.right : tally.wrong);
    result_.graded.push_back(
        {traveller.survivor.prompt, traveller.sample, right, traveller.cost, traveller.survivor.prompt_hash});
  }

  void drop(const RowSlot& slot, Traveller& traveller) {
    ++slot.line->dropped[traveller.reason];
    if (slot.stage->finds_refusals()) result_.tallies[traveller.survivor.prompt].refused = true;
    if (settings_.keep_wrong && slot.stage->verifies() && traveller.reason == "wrong")
      result_.wrong.push_back(traveller.survivor);
    const std::string reason = traveller.reason + (traveller.detail.empty() ? "" : ": " + traveller.detail);
    drops_.push_back({traveller.survivor.response, slot.stage->name(), reason});
  }

  Result<void> choose(const Pass& pass, std::size_t index) {
    if (settings_.should_stop()) return fail(Errc::interrupted, "stopped: what was labelled stays; run it again");
    const SetSlot& slot = pass.sets[index];
    std::vector<Member> members;
    members.reserve(result_.kept.size());
    for (std::size_t i = 0; i < result_.kept.size(); ++i) {
      const Survivor& survivor = result_.kept[i];
      const auto tally = result_.tallies.find(survivor.prompt);
      members.push_back({survivor.response, survivor.prompt, survivor.tokens, survivor.digest(), sketches_[index][i],
                         tally == result_.tallies.end() ? PromptTally{} : tally->second});
    }
    settings_.progress(slot.stage->name(), static_cast<std::int64_t>(members.size()));
    if (const std::string obstacle = slot.stage->obstacle(members); !obstacle.empty())
      return fail(Errc::usage, "stage '" + slot.stage->name() + "': " + obstacle);
    std::vector<SetDrop> dropped = slot.stage->choose(members, settings_.threads);
    std::sort(dropped.begin(), dropped.end(), [](const auto& a, const auto& b) { return a.position < b.position; });
    slot.line->in = static_cast<std::int64_t>(members.size());
    slot.line->out = slot.line->in - static_cast<std::int64_t>(dropped.size());
    std::vector<char> gone(result_.kept.size(), 0);
    for (SetDrop& one : dropped) {
      RETORT_ASSERT(one.position < gone.size() && gone[one.position] == 0);
      gone[one.position] = 1;
      ++slot.line->dropped[one.reason];
      drops_.push_back({result_.kept[one.position].response, slot.stage->name(),
                        one.reason + (one.detail.empty() ? "" : ": " + one.detail)});
    }
    members.clear();
    std::size_t to = 0;
    for (std::size_t i = 0; i < gone.size(); ++i) {
      if (gone[i] == 0 && to++ != i) result_.kept[to - 1] = std::move(result_.kept[i]);
    }
    result_.kept.resize(to);
    sketches_[index] = {};
    for (std::size_t i = index + 1; i < sketches_.size(); ++i) sketches_[i].remove(gone);
    return flush(kRowsPerTransaction);
  }

  Result<void> keep_labels(std::vector<std::pair<RowId, StoredLabel>> labels) {
    for (auto& label : labels) labels_.push_back(std::move(label));
    return {};
  }

  // Writes what has gathered, if it is at least so much.
  Result<void> flush(std::size_t least) {
    if (labels_.size() >= std::max<std::size_t>(least, 1)) {
      if (auto done = log_.put(labels_); !done) return done;
      labels_.clear();
    }
    for (std::size_t from = 0; drops_.size() >= std::max<std::size_t>(least, 1) && from < drops_.size();) {
      const std::size_t count = std::min(kRowsPerTransaction, drops_.size() - from);
      if (auto done = log_.add(view_, std::span(drops_).subspan(from, count)); !done) return done;
      from += count;
      if (from == drops_.size()) drops_.clear();
    }
    return {};
  }

  CorpusReader& reader_;
  CurationLog& log_;
  const RowId view_;
  const PipelineSettings& settings_;
  PipelineResult result_;
  RowId after_ = 0;
  std::vector<Survivor> before_;  ///< what the last pass left
  std::size_t before_at_ = 0;
  std::vector<Sketches> sketches_;  ///< of each set stage of this pass
  std::vector<std::pair<RowId, StoredLabel>> labels_;
  std::vector<ViewDrop> drops_;
};

}  // namespace

std::uint64_t prompt_hash_of(const std::string& digest) {
  return std::strtoull(digest.substr(0, 16).c_str(), nullptr, 16);
}

std::string RowStage::digest() const {
  return sha256_hex(canonical_json({{"name", name()}, {"settings", settings()}}));
}

Result<PipelineResult> run_pipeline(CorpusReader& reader, CurationLog& log, RowId view, Pipeline& pipeline,
                                    const PipelineSettings& settings) {
  return Runner(reader, log, view, settings).run(pipeline);
}

Json to_json(const std::vector<FunnelLine>& funnel) {
  Json list = Json::array();
  for (const FunnelLine& line : funnel)
    list.push_back({{"stage", line.stage}, {"in", line.in}, {"dropped", line.dropped}, {"out", line.out}});
  return list;
}

}  // namespace retort
