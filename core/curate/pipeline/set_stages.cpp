// Stages that choose among many. Members ascend by response, so that "the first" is the oldest, and chance is a hash of
// the content: the same on any machine, and little disturbed when a corpus grows.
#include <algorithm>
#include <map>
#include <numeric>

#include "core/base/text.h"
#include "core/curate/pipeline/order.h"
#include "core/curate/pipeline/stages.h"

namespace retort {
namespace {

// Greedy: each next one is that whose nearest neighbour among the chosen is farthest (max-min, T. Gonzalez 1985).
// Positions in the order of choice.
std::vector<std::size_t> most_diverse(std::span<const Signature> signatures, std::size_t k) {
  std::vector<std::size_t> chosen{0};
  std::vector<double> nearest(signatures.size(), 0);  // likeness to the nearest chosen
  nearest[0] = 2;                                     // more than any likeness: taken
  while (chosen.size() < std::min(k, signatures.size())) {
    std::size_t best = chosen.back();
    for (std::size_t i = 0; i < signatures.size(); ++i) {
      nearest[i] = std::max(nearest[i], estimated_jaccard(signatures[i], signatures[chosen.back()]));
      if (nearest[i] < nearest[best]) best = i;
    }
    nearest[best] = 2;
    chosen.push_back(best);
  }
  return chosen;
}

/// At most k of each prompt.
class PerPromptStage final : public SetStage {
 public:
  PerPromptStage(int k, std::string prefer) : k_(k), prefer_(std::move(prefer)) {}
  std::string name() const override { return "per_prompt"; }
  Json settings() const override { return {{"max", k_}, {"prefer", prefer_}}; }
  std::string sketch(const Pair& pair) const override {
    if (prefer_ != "diverse") return {};
    return sketch_of(signature_of(pair.answer.reasoning + "\n" + pair.answer.text, {}));
  }
  std::vector<SetDrop> choose(std::span<const Member> members, int) const override {
    std::vector<std::uint32_t> order = in_order(members, prefer_ == "diverse" ? "first" : prefer_);
    std::stable_sort(order.begin(), order.end(),
                     [&](std::uint32_t a, std::uint32_t b) { return members[a].prompt < members[b].prompt; });
    std::vector<SetDrop> dropped;
    const auto k = static_cast<std::size_t>(k_);
    for (std::size_t begin = 0, end = 0; begin < order.size(); begin = end) {
      while (end < order.size() && members[order[end]].prompt == members[order[begin]].prompt) ++end;
      const std::span<std::uint32_t> group(order.data() + begin, end - begin);
      if (group.size() <= k) continue;
      if (prefer_ == "diverse") bring_diverse_first(members, group);
      for (const std::uint32_t position : group.subspan(k)) dropped.push_back({position, "enough of this prompt", {}});
    }
    return dropped;
  }

 private:
  void bring_diverse_first(std::span<const Member> members, std::span<std::uint32_t> group) const {
    std::vector<Signature> signatures;
    for (const std::uint32_t position : group) signatures.push_back(signature_in(members[position].sketch));
    const std::vector<std::size_t> chosen = most_diverse(signatures, static_cast<std::size_t>(k_));
    std::vector<char> is_chosen(group.size(), 0);
    for (const std::size_t one : chosen) is_chosen[one] = 1;
    std::size_t at = 0;
    const std::vector<std::uint32_t> before(group.begin(), group.end());
    for (const char wanted : {1, 0}) {
      for (std::size_t i = 0; i < before.size(); ++i) {
        if (is_chosen[i] == wanted) group[at++] = before[i];
      }
    }
  }

  int k_;
  std::string prefer_;
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
    if (!pair.metadata.is_object() || found == pair.metadata.end()) return kNoValue;
    return found->is_string() ? found->get<std::string>() : dump_json(*found);
  }
  std::string obstacle(std::span<const Member> members) const override {
    const auto lacks = [](const Member& member) { return member.sketch == kNoValue; };
    if (members.empty() || !std::all_of(members.begin(), members.end(), lacks)) return {};
    return "no pair has the metadata field '" + field_ + "'";
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
  static constexpr const char* kNoValue = "(none)";
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
  return {{"per_prompt",
           "keeps at most so many of a prompt (max, prefer = \"first\", \"shortest\", \"longest\", \"diverse\")"},
          {"difficulty", "keeps prompts whose pass rate lies between min and max (after verify)"},
          {"balance", "no value of a metadata field has more than times as many as the rarest (field, times)"},
          {"budget", "keeps as many as fit, by pairs or by tokens"}};
}

MadeStage make_set_stage(const std::string& name, StageOptions& options, const GraderTools&) {
  if (name == "per_prompt") {
    const double most = options.number("max", 1);
    const std::string prefer = options.text("prefer", "first");
    if (!(most >= 1)) return wrong_option("'max' must be at least 1");
    if (prefer != "first" && prefer != "shortest" && prefer != "longest" && prefer != "diverse")
      return wrong_option("'prefer' is \"first\", \"shortest\", \"longest\" or \"diverse\"");
    return made<PerPromptStage>(static_cast<int>(std::min(most, 1e9)), prefer);
  }
  if (name == "difficulty") {
    const double least = options.number("min", 0), most = options.number("max", 1);
    if (!(least >= 0 && least <= most && most <= 1)) return wrong_option("'min' and 'max' are pass rates from 0 to 1");
    return made<DifficultyStage>(least, most);
  }
  if (name == "balance") {
    const std::string field = options.text("field", "");
    const double times = options.number("times", 1);
    if (field.empty()) return wrong_option("'field' is missing: the metadata field to balance by");
    if (!(times >= 1)) return wrong_option("'times' must be at least 1");
    return made<BalanceStage>(field, times);
  }
  if (name == "budget") {
    constexpr double kNone = 1e18;
    const double pairs = options.number("pairs", kNone), tokens = options.number("tokens", kNone);
    if (pairs >= kNone && tokens >= kNone) return wrong_option("'pairs' or 'tokens' is missing: how many fit");
    if (!(pairs >= 0 && tokens >= 0)) return wrong_option("'pairs' and 'tokens' cannot be negative");
    return made<BudgetStage>(pairs, tokens);
  }
  return {};
}

}  // namespace retort
