// Stages that choose among many. Members ascend by response, so that "the first" is the oldest, and chance is a hash of
// the content: the same on any machine, and little disturbed when a corpus grows.
#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "core/base/hash.h"
#include "core/base/text.h"
#include "core/curate/pipeline/stages.h"

namespace retort {
namespace {

/// The same answer again: to the same prompt, or anywhere with the same prompt text.
class DuplicateStage final : public SetStage {
 public:
  std::string name() const override { return "duplicates"; }
  Json settings() const override { return {{"version", 1}}; }
  // What is said twice is what would be learned twice: the answer and its reasoning, without outer white space.
  std::string sketch(const Pair& pair) const override {
    return sha256_hex(canonical_json({pair.messages, trimmed(pair.answer.reasoning), trimmed(pair.answer.text)}))
        .substr(0, 32);
  }
  std::vector<SetDrop> choose(std::span<const Member> members, int) const override {
    std::unordered_map<std::string_view, RowId> first;
    std::vector<SetDrop> dropped;
    for (std::size_t i = 0; i < members.size(); ++i) {
      const auto [found, is_new] = first.try_emplace(members[i].sketch, members[i].response);
      if (!is_new) dropped.push_back({i, "duplicate", "as response " + std::to_string(found->second)});
    }
    return dropped;
  }
};

enum class Order { first, shortest, longest };

/// At most k of each prompt.
class PerPromptStage final : public SetStage {
 public:
  PerPromptStage(int k, Order order, std::string word) : k_(k), order_(order), word_(std::move(word)) {}
  std::string name() const override { return "per_prompt"; }
  Json settings() const override { return {{"max", k_}, {"prefer", word_}}; }
  std::string sketch(const Pair&) const override { return {}; }
  std::vector<SetDrop> choose(std::span<const Member> members, int) const override {
    std::vector<std::uint32_t> order(members.size());
    std::iota(order.begin(), order.end(), 0U);
    std::stable_sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
      if (members[a].prompt != members[b].prompt) return members[a].prompt < members[b].prompt;
      if (order_ == Order::shortest) return members[a].tokens < members[b].tokens;
      if (order_ == Order::longest) return members[a].tokens > members[b].tokens;
      return false;
    });
    std::vector<SetDrop> dropped;
    int taken = 0;
    for (std::size_t i = 0; i < order.size(); ++i) {
      taken = i > 0 && members[order[i]].prompt == members[order[i - 1]].prompt ? taken + 1 : 1;
      if (taken > k_) dropped.push_back({order[i], "enough of this prompt", {}});
    }
    return dropped;
  }

 private:
  int k_;
  Order order_;
  std::string word_;
};

/// Prompts whose pass rate lies in a band.
class DifficultyStage final : public SetStage {
 public:
  DifficultyStage(double least, double most) : least_(least), most_(most) {}
  std::string name() const override { return "difficulty"; }
  Json settings() const override { return {{"min", least_}, {"max", most_}}; }
  std::string sketch(const Pair&) const override { return {}; }
  std::vector<SetDrop> choose(std::span<const Member> members, int) const override {
    std::vector<SetDrop> dropped;
    for (std::size_t i = 0; i < members.size(); ++i) {
      const PromptTally& tally = members[i].tally;
      const int all = tally.right + tally.wrong;
      const double rate = all == 0 ? -1 : static_cast<double>(tally.right) / all;
      const std::string detail = std::to_string(tally.right) + " of " + std::to_string(all) + " right";
      if (all == 0)
        dropped.push_back({i, "unknown difficulty", "no verified sample"});
      else if (rate < least_)
        dropped.push_back({i, "too hard", detail});
      else if (rate > most_)
        dropped.push_back({i, "too easy", detail});
    }
    return dropped;
  }

 private:
  double least_, most_;
};

// Positions in the order of their content digests: chance that anybody can repeat.
std::vector<std::uint32_t> shuffled(std::span<const Member> members) {
  std::vector<std::uint32_t> order(members.size());
  std::iota(order.begin(), order.end(), 0U);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::uint32_t a, std::uint32_t b) { return members[a].content < members[b].content; });
  return order;
}

/// No value of a metadata field has more pairs than `times` the rarest.
class BalanceStage final : public SetStage {
 public:
  BalanceStage(std::string field, double times) : field_(std::move(field)), times_(times) {}
  std::string name() const override { return "balance"; }
  Json settings() const override { return {{"field", field_}, {"times", times_}}; }
  std::string sketch(const Pair& pair) const override {
    const auto found = pair.metadata.is_object() ? pair.metadata.find(field_) : pair.metadata.end();
    if (!pair.metadata.is_object() || found == pair.metadata.end()) return "(none)";
    return found->is_string() ? found->get<std::string>() : dump_json(*found);
  }
  std::vector<SetDrop> choose(std::span<const Member> members, int) const override {
    std::map<std::string_view, std::int64_t> counts;
    for (const Member& member : members) ++counts[member.sketch];
    std::int64_t rarest = static_cast<std::int64_t>(members.size());
    for (const auto& [value, count] : counts) rarest = std::min(rarest, count);
    const auto most = static_cast<std::int64_t>(times_ * static_cast<double>(rarest));
    std::map<std::string_view, std::int64_t> taken;
    std::vector<SetDrop> dropped;
    for (const std::uint32_t i : shuffled(members)) {
      if (++taken[members[i].sketch] > std::max<std::int64_t>(most, 1))
        dropped.push_back({i, "more than the balance", field_ + " = " + shortened(members[i].sketch, 60)});
    }
    return dropped;
  }

 private:
  std::string field_;
  double times_;
};

/// As many as fit: by pairs, by tokens, or both.
class BudgetStage final : public SetStage {
 public:
  BudgetStage(double pairs, double tokens) : pairs_(pairs), tokens_(tokens) {}
  std::string name() const override { return "budget"; }
  Json settings() const override { return {{"pairs", pairs_}, {"tokens", tokens_}}; }
  std::string sketch(const Pair&) const override { return {}; }
  std::vector<SetDrop> choose(std::span<const Member> members, int) const override {
    double pairs = 0, tokens = 0;
    bool full = false;
    std::vector<SetDrop> dropped;
    for (const std::uint32_t i : shuffled(members)) {
      full = full || pairs + 1 > pairs_ || tokens + static_cast<double>(members[i].tokens) > tokens_;
      if (full) {
        dropped.push_back({i, "beyond the budget", {}});
        continue;
      }
      pairs += 1;
      tokens += static_cast<double>(members[i].tokens);
    }
    return dropped;
  }

 private:
  double pairs_, tokens_;
};

template <class Stage, class... Args>
MadeStage made(Args&&... args) {
  return Result<Pipeline::Stage>(
      Pipeline::Stage(std::unique_ptr<SetStage>(std::make_unique<Stage>(std::forward<Args>(args)...))));
}

MadeStage wrong_option(const std::string& what) { return Result<Pipeline::Stage>(fail(Errc::usage, what)); }

}  // namespace

std::vector<StageInfo> set_stage_catalogue() {
  return {{"duplicates", "drops the same answer to the same question, said before"},
          {"per_prompt", "keeps at most so many of a prompt (max, prefer = \"first\", \"shortest\", \"longest\")"},
          {"difficulty", "keeps prompts whose pass rate lies between min and max (after verify)"},
          {"balance", "no value of a metadata field has more than times as many as the rarest (field, times)"},
          {"budget", "keeps as many as fit, by pairs or by tokens"}};
}

MadeStage make_set_stage(const std::string& name, StageOptions& options, const GraderTools&) {
  if (name == "duplicates") return made<DuplicateStage>();
  if (name == "per_prompt") {
    const double most = options.number("max", 1);
    const std::string prefer = options.text("prefer", "first");
    if (!(most >= 1)) return wrong_option("'max' must be at least 1");
    if (prefer != "first" && prefer != "shortest" && prefer != "longest")
      return wrong_option("'prefer' is \"first\", \"shortest\" or \"longest\"");
    const Order order = prefer == "first" ? Order::first : prefer == "shortest" ? Order::shortest : Order::longest;
    return made<PerPromptStage>(static_cast<int>(std::min(most, 1e9)), order, prefer);
  }
  if (name == "difficulty") {
    const double least = options.number("min", 0);
    return made<DifficultyStage>(least, options.number("max", 1));
  }
  if (name == "balance") {
    const std::string field = options.text("field", "");
    const double times = options.number("times", 1);
    if (field.empty()) return wrong_option("'field' is missing: the metadata field to balance by");
    if (!(times >= 1)) return wrong_option("'times' must be at least 1");
    return made<BalanceStage>(field, times);
  }
  if (name == "budget") {
    const double pairs = options.number("pairs", 1e18);
    return made<BudgetStage>(pairs, options.number("tokens", 1e18));
  }
  return {};
}

}  // namespace retort
