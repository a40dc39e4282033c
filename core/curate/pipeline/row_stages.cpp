// Stages that judge one pair: what an audit, a grader or a rule says about it.
#include <algorithm>

#include "core/base/text.h"
#include "core/corpus/words.h"
#include "core/curate/pipeline/stages.h"
#include "core/curate/self_identification.h"
#include "core/curate/vendors.h"

namespace retort {
namespace {

/// A stage whose label is a function of the pair.
class PureStage : public RowStage {
 public:
  Result<std::vector<Label>> judge(std::span<const Pair* const> pairs) override {
    std::vector<Label> labels;
    for (const Pair* pair : pairs) labels.push_back(look(*pair));
    return labels;
  }

 protected:
  virtual Label look(const Pair& pair) const = 0;
};

/// How the answer ended, in the provider's words and by what is there.
class FinishedStage final : public PureStage {
 public:
  std::string name() const override { return "finished"; }
  Json settings() const override { return {{"version", 1}}; }
  std::string drop(const Pair&, const Label& label) const override { return label.value; }

 protected:
  Label look(const Pair& pair) const override {
    const Response& answer = pair.answer;
    const std::string finish(word(answer.finish));
    if (answer.finish == Finish::length) return {"truncated", "cut at the token limit", 1};
    if (answer.finish == Finish::content_filter) return {"content_filter", "cut by the provider's filter", 1};
    if (answer.finish == Finish::error) return {"error", "the provider says that it failed", 1};
    const bool calls = !answer.tool_calls.is_null() && !answer.tool_calls.empty();
    if (trimmed(answer.text).empty() && answer.refusal.empty() && !calls) return {"empty", "no text", 1};
    return {};
  }
};

/// Names another maker than the profile, in the first person.
class IdentityStage final : public PureStage {
 public:
  std::string name() const override { return "self_identification"; }
  Json settings() const override { return {{"version", 1}}; }
  std::string drop(const Pair&, const Label& label) const override {
    return label.value.empty() ? "" : "names another maker";
  }

 protected:
  Label look(const Pair& pair) const override {
    const auto expected = vendors_of(pair.teacher);
    for (const SelfIdentification& claim : self_identifications(pair.answer)) {
      if (std::find(expected.begin(), expected.end(), claim.vendor) == expected.end())
        return {claim.vendor, claim.span, 1};
    }
    return {};
  }
};

/// Length of one part of the answer, in bytes.
class LengthStage final : public PureStage {
 public:
  LengthStage(std::string of, double least, double most) : of_(std::move(of)), least_(least), most_(most) {}
  std::string name() const override { return "length"; }
  Json settings() const override { return {{"of", of_}, {"version", 1}}; }
  std::string drop(const Pair&, const Label& label) const override {
    return label.score < least_ ? "too short" : label.score > most_ ? "too long" : "";
  }

 protected:
  Label look(const Pair& pair) const override {
    const double text = static_cast<double>(pair.answer.text.size());
    const double reasoning = static_cast<double>(pair.answer.reasoning.size());
    const double bytes = of_ == "answer" ? text : of_ == "reasoning" ? reasoning : text + reasoning;
    return {"bytes", std::to_string(static_cast<std::int64_t>(bytes)) + " bytes", bytes};
  }

 private:
  std::string of_;
  double least_, most_;
};

/// The form of the chain of thought: what DeepSeek-R1 filtered by, since it reads badly.
class ReasoningFormStage final : public PureStage {
 public:
  ReasoningFormStage(std::int64_t paragraph_bytes, bool code, bool wanted)
      : paragraph_bytes_(paragraph_bytes), code_(code), wanted_(wanted) {}
  std::string name() const override { return "reasoning_form"; }
  Json settings() const override {
    return {{"paragraph_bytes", paragraph_bytes_}, {"code", code_}, {"required", wanted_}, {"version", 1}};
  }
  std::string drop(const Pair&, const Label& label) const override { return label.value; }

 protected:
  Label look(const Pair& pair) const override {
    const std::string& text = pair.answer.reasoning;
    if (trimmed(text).empty()) return wanted_ ? Label{"no reasoning", "the answer has none", 1} : Label{};
    if (!code_ && text.find("```") != std::string::npos) return {"code in reasoning", "a fenced block", 1};
    for (std::size_t at = 0; paragraph_bytes_ > 0 && at < text.size();) {
      const std::size_t end = std::min(text.find("\n\n", at), text.size());
      if (end - at > static_cast<std::size_t>(paragraph_bytes_))
        return {"long paragraph", std::to_string(end - at) + " bytes without a blank line", 1};
      at = end + 2;
    }
    return {};
  }

 private:
  std::int64_t paragraph_bytes_;
  bool code_, wanted_;
};

constexpr const char* kUnasked = "unasked";

/// Right or wrong, by a grader.
class VerifyStage final : public RowStage {
 public:
  VerifyStage(std::string name, std::unique_ptr<Grader> grader, std::string spec, bool keep_wrong, bool keep_ungradable)
      : name_(std::move(name)),
        grader_(std::move(grader)),
        spec_(std::move(spec)),
        keep_wrong_(keep_wrong),
        keep_ungradable_(keep_ungradable) {}
  std::string name() const override { return name_; }
  Json settings() const override { return {{"grader", spec_}, {"digest", grader_->digest()}}; }
  bool pure() const override { return grader_->pure(); }
  bool verifies() const override { return true; }
  bool keeps(const Label& label) const override { return label.value != kUnasked; }

  Result<std::vector<Label>> judge(std::span<const Pair* const> pairs) override {
    std::vector<GradeInput> inputs;
    for (const Pair* pair : pairs)
      inputs.push_back({&pair->messages, pair->answer.text, pair->answer.reasoning, pair->reference, &pair->metadata});
    auto verdicts = grader_->grade_all(inputs);
    if (!verdicts) return fail(verdicts.error());
    std::vector<Label> labels;
    for (Grade& verdict : *verdicts)
      labels.push_back({verdict.asked ? std::string(grade_word(verdict.kind)) : std::string(kUnasked),
                        std::move(verdict.reason), verdict.score});
    return labels;
  }

  std::string drop(const Pair&, const Label& label) const override {
    if (label.value == "right") return {};
    return (label.value == "wrong" ? keep_wrong_ : keep_ungradable_) ? "" : label.value;
  }

 private:
  std::string name_;
  std::unique_ptr<Grader> grader_;
  std::string spec_;
  bool keep_wrong_, keep_ungradable_;
};

template <class Stage, class... Args>
MadeStage made(Args&&... args) {
  return Result<Pipeline::Stage>(
      Pipeline::Stage(std::unique_ptr<RowStage>(std::make_unique<Stage>(std::forward<Args>(args)...))));
}

MadeStage wrong_option(const std::string& what) { return Result<Pipeline::Stage>(fail(Errc::usage, what)); }

// `verify` with any grader, or `judge` with a teacher and a rubric written into the recipe.
MadeStage make_verify(const std::string& name, StageOptions& options, const GraderTools& tools) {
  const bool judged = name == "judge";
  const std::string teacher = judged ? options.text("teacher", "") : "",
                    rubric = judged ? options.text("rubric", "") : "";
  const std::string spec = judged ? "judge:" + teacher : options.text("grader", "exact");
  const std::string wrong = options.text("wrong", "drop"), ungradable = options.text("ungradable", "drop");
  for (const std::string& word : {wrong, ungradable}) {
    if (word != "drop" && word != "keep") return wrong_option("'wrong' and 'ungradable' are \"drop\" or \"keep\"");
  }
  auto grader = judged ? judge_grader(teacher, rubric, tools.open_judge) : make_grader(spec, tools);
  if (!grader) return Result<Pipeline::Stage>(fail(grader.error()));
  return made<VerifyStage>(name, std::move(*grader), spec, wrong == "keep", ungradable == "keep");
}

}  // namespace

std::vector<StageInfo> row_stage_catalogue() {
  return {
      {"finished", "drops answers that are cut, empty, filtered or failed"},
      {"self_identification", "drops answers that name another maker than the profile, in the first person"},
      {"verify", "grades the final answer (grader = \"exact\"), drops what is wrong or ungradable"},
      {"judge", "asks another teacher (teacher, rubric), drops what it calls wrong or cannot judge"},
      {"length", "drops by bytes of the answer, the reasoning or both (of, min, max)"},
      {"reasoning_form", "drops long paragraphs and code in the chain of thought (paragraph_bytes, code, required)"}};
}

MadeStage make_row_stage(const std::string& name, StageOptions& options, const GraderTools& tools) {
  if (name == "finished") return made<FinishedStage>();
  if (name == "self_identification") return made<IdentityStage>();
  if (name == "verify" || name == "judge") return make_verify(name, options, tools);
  if (name == "length") {
    const std::string of = options.text("of", "both");
    if (of != "answer" && of != "reasoning" && of != "both")
      return wrong_option("'of' is \"answer\", \"reasoning\" or \"both\"");
    constexpr double kNone = 1e15;
    const double least = options.number("min", 0), most = options.number("max", kNone);
    if (least <= 0 && most >= kNone) return wrong_option("'min' or 'max' is missing: how many bytes");
    if (least > most) return wrong_option("'min' is above 'max'");
    return made<LengthStage>(of, least, most);
  }
  if (name == "reasoning_form") {
    const auto paragraph = static_cast<std::int64_t>(options.number("paragraph_bytes", 4000));
    const bool code = options.flag("code", false);
    return made<ReasoningFormStage>(paragraph, code, options.flag("required", true));
  }
  return {};
}

}  // namespace retort
