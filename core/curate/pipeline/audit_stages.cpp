// Audits and decontamination as stages of a pipeline.
#include <algorithm>

#include "core/curate/evaluation_index.h"
#include "core/curate/pipeline/stages.h"

namespace retort {
namespace {

/// What an audit finds is dropped: all of it, or only some words.
class AuditStage final : public RowStage {
 public:
  AuditStage(std::unique_ptr<Audit> audit, std::vector<std::string> only, double score)
      : audit_(std::move(audit)), only_(std::move(only)), score_(score) {}
  std::string name() const override { return audit_->kind(); }
  Json settings() const override { return {{"audit", audit_->digest()}}; }
  bool finds_refusals() const override { return audit_->kind() == "refusal"; }
  Result<std::vector<Label>> judge(std::span<const Pair* const> pairs) override {
    std::vector<Label> labels;
    for (const Pair* pair : pairs) {
      const std::string prompt = prompt_text(pair->messages);
      labels.push_back(audit_->judge(answered(*pair, prompt)));
    }
    return labels;
  }
  std::string drop(const Pair&, const Label& label) const override {
    if (!label.found() || label.score < score_) return {};
    return only_.empty() || chosen(label.value) ? label.value : "";
  }

 private:
  // "email, phone" is both.
  bool chosen(std::string_view value) const {
    const auto holds = [&](const std::string& word) {
      return (", " + std::string(value) + ", ").find(", " + word + ", ") != std::string::npos;
    };
    return std::any_of(only_.begin(), only_.end(), holds);
  }

  std::unique_ptr<Audit> audit_;
  std::vector<std::string> only_;
  double score_;
};

/// Holds word sequences of an evaluation set, in the question, the answer or the reasoning.
class DecontaminateStage final : public RowStage {
 public:
  DecontaminateStage(std::vector<EvaluationItem> items, DecontaminationSettings settings)
      : index_(std::move(items), settings) {}
  std::string name() const override { return "decontaminate"; }
  Json settings() const override { return {{"index", index_.digest()}}; }
  Result<std::vector<Label>> judge(std::span<const Pair* const> pairs) override {
    std::vector<Label> labels;
    for (const Pair* pair : pairs) {
      const auto found =
          index_.find(prompt_text(pair->messages) + "\n\n" + pair->answer.reasoning + "\n\n" + pair->answer.text);
      labels.push_back(found ? Label{found->set, found->id + ": " + found->matched, found->share} : Label{});
    }
    return labels;
  }
  std::string drop(const Pair&, const Label& label) const override {
    return label.found() ? "in evaluation set " + label.value : "";
  }

 private:
  EvaluationIndex index_;
};

constexpr double kMoreThanAnyScore = 2;

MadeStage wrong_option(const std::string& what) { return Result<Pipeline::Stage>(fail(Errc::usage, what)); }

MadeStage make_decontaminate(StageOptions& options, const GraderTools& tools) {
  DecontaminationSettings settings;
  settings.words = static_cast<int>(options.number("words", settings.words));
  const std::vector<std::string> sets = options.texts("sets", {}), fields = options.texts("fields", {});
  if (sets.empty() || !tools.read_file) return wrong_option("'sets' is missing: JSON lines files of evaluation sets");
  if (settings.words < 4 || settings.words > 100) return wrong_option("'words' must be from 4 to 100");
  std::vector<EvaluationItem> items;
  for (const std::string& path : sets) {
    const auto text = tools.read_file(path);
    if (!text) return Result<Pipeline::Stage>(fail(text.error()));
    auto found = evaluation_items(*text, path, fields);
    if (!found) return Result<Pipeline::Stage>(fail(found.error()));
    if (found->empty()) return wrong_option("the evaluation set " + path + " is empty");
    items.insert(items.end(), std::make_move_iterator(found->begin()), std::make_move_iterator(found->end()));
  }
  return Result<Pipeline::Stage>(
      Pipeline::Stage(std::unique_ptr<RowStage>(std::make_unique<DecontaminateStage>(std::move(items), settings))));
}

}  // namespace

std::vector<StageInfo> audit_stage_catalogue() {
  std::vector<StageInfo> all = {
      {"decontaminate", "drops what holds word sequences of evaluation sets (sets = [files], fields, words)"}};
  for (const auto& audit : standard_audits()) {
    if (audit->kind() != "self_identification")
      all.push_back({audit->kind(), "drops what the audit of this name finds (only = [values], score)"});
  }
  return all;
}

std::vector<std::unique_ptr<RowStage>> make_looking_stages() {
  std::vector<std::unique_ptr<RowStage>> stages;
  for (auto& audit : standard_audits())
    stages.push_back(std::make_unique<AuditStage>(std::move(audit), std::vector<std::string>(), kMoreThanAnyScore));
  return stages;
}

MadeStage make_audit_stage(const std::string& name, StageOptions& options, const GraderTools& tools) {
  if (name == "decontaminate") return make_decontaminate(options, tools);
  for (auto& audit : standard_audits()) {
    if (audit->kind() != name) continue;
    std::vector<std::string> only = options.texts("only", {});
    const std::vector<std::string> known = audit->values();
    for (const std::string& word : only) {
      if (known.empty() || std::find(known.begin(), known.end(), word) != known.end()) continue;
      std::string all;
      for (const std::string& value : known) all += (all.empty() ? "" : ", ") + value;
      return wrong_option("'only' has '" + word + "', which this audit never finds: it finds " + all);
    }
    const double score = options.number("score", 0);
    return Result<Pipeline::Stage>(
        Pipeline::Stage(std::unique_ptr<RowStage>(std::make_unique<AuditStage>(std::move(audit), only, score))));
  }
  return {};
}

}  // namespace retort
