#include "cli/consulting.h"

#include <unistd.h>

#include <map>

#include "cli/run_record.h"
#include "core/base/hash.h"
#include "core/teacher/identity.h"

namespace retort {
namespace {

class TeacherAsJudge final : public Judge {
 public:
  explicit TeacherAsJudge(std::unique_ptr<Consultant> teacher) : teacher_(std::move(teacher)) {}

  Result<std::vector<std::optional<std::string>>> ask(std::span<const Case> cases) override {
    std::vector<Inquiry> inquiries;
    for (const Case& one : cases) {
      Inquiry inquiry;
      inquiry.row.source = "judge";
      inquiry.row.messages = one.messages;
      inquiry.row.metadata = {{"judges", one.judged}};
      inquiries.push_back(std::move(inquiry));
    }
    auto answers = teacher_->ask(inquiries);
    if (!answers) return fail(answers.error());
    std::vector<std::optional<std::string>> texts;
    for (std::optional<KnownAnswer>& answer : *answers)
      texts.push_back(answer ? std::optional(std::move(answer->text)) : std::nullopt);
    return texts;
  }

  std::string digest() const override {
    const HarvestSettings& settings = teacher_->plan().settings;
    return sha256_hex(
               canonical_json(
                   {{"dialect", settings.dialect}, {"model", settings.model}, {"parameters", settings.parameters}}))
        .substr(0, 32);
  }

 private:
  std::unique_ptr<Consultant> teacher_;
};

}  // namespace

Result<std::unique_ptr<Consultant>> Consultant::open(Edges& edges, const AskingFlags& flags, std::string corpus,
                                                     std::string role, Json settings) {
  std::unique_ptr<Consultant> consultant(
      new Consultant(edges, flags, std::move(corpus), std::move(role), std::move(settings)));
  auto plan = plan_asking(flags, edges);
  if (!plan) return fail(plan.error());
  consultant->plan_ = std::move(*plan);
  consultant->plan_.settings.skip_bad_rows = true;
  if (auto allowed = check_terms(consultant->plan_, flags.terms_unknown); !allowed) return fail(allowed.error());
  return consultant;
}

Consultant::~Consultant() {
  if (asking_) (void)asking_->close(true);
}

Result<std::optional<KnownAnswer>> Consultant::known(const Inquiry& inquiry) const {
  if (!reader_) return std::optional<KnownAnswer>();
  const HarvestSettings& settings = plan_.settings;
  auto state =
      reader_->state_of(request_digest({settings.dialect, settings.model, inquiry.row.messages,
                                        sample_parameters(settings.parameters, inquiry.sample), inquiry.sample}));
  if (!state) return fail(state.error());
  return *state ? std::move((*state)->answer) : std::nullopt;
}

Result<void> Consultant::begin() {
  if (asking_) return {};
  settings_["teacher"] = plan_.profile.identity.name;
  settings_["parameters"] = plan_.settings.parameters;
  RunStart run = run_start(edges_, role_ == "judge" ? "judge" : "prompts", settings_);
  run.role = role_;
  auto opened = Asking::open(edges_, plan_, corpus_, std::move(run), flags_.quiet);
  if (!opened) return fail(opened.error());
  asking_ = std::move(*opened);
  return {};
}

Result<std::vector<std::optional<KnownAnswer>>> Consultant::ask(const std::vector<Inquiry>& inquiries) {
  if (!reader_ && access(corpus_.c_str(), F_OK) == 0) {
    auto opened = edges_.corpora.read(corpus_);
    if (!opened) return fail(opened.error());
    reader_ = std::move(*opened);
  }
  std::vector<std::optional<KnownAnswer>> answers;
  std::map<std::string, PromptRow> unknown;  // by prompt, with as many samples as the highest wants
  for (const Inquiry& inquiry : inquiries) {
    auto answer = known(inquiry);
    if (!answer) return fail(answer.error());
    answers.push_back(std::move(*answer));
    if (answers.back()) continue;
    PromptRow& row = unknown.try_emplace(inquiry.row.messages.digest(), inquiry.row).first->second;
    row.samples = std::max(row.samples, inquiry.sample + 1);
  }
  if (unknown.empty()) return answers;
  if (auto begun = begin(); !begun) return fail(begun.error());
  std::vector<PromptRow> rows;
  // In the order in which they were asked for.
  for (const Inquiry& inquiry : inquiries) {
    if (auto row = unknown.extract(inquiry.row.messages.digest())) rows.push_back(std::move(row.mapped()));
  }
  if (auto asked = asking_->ask(std::move(rows)); !asked) return fail(asked.error());
  if (!reader_) {
    auto opened = edges_.corpora.read(corpus_);
    if (!opened) return fail(opened.error());
    reader_ = std::move(*opened);
  }
  for (std::size_t i = 0; i < inquiries.size(); ++i) {
    if (answers[i]) continue;
    auto answer = known(inquiries[i]);
    if (!answer) return fail(answer.error());
    answers[i] = std::move(*answer);
  }
  return answers;
}

void add_judge_options(CLI::App& command, AskingFlags& flags) {
  command.add_option("--config", flags.config, "With a teacher that is asked: the configuration file");
  add_cap_options(command, flags.caps);
  add_until_option(command, flags.caps);
  command.add_flag("--terms-unknown", flags.terms_unknown,
                   "With a teacher that is asked: although it is unknown what its terms allow");
}

GraderTools judging_tools(Edges& edges, GraderTools tools, const std::string& corpus, const AskingFlags& flags) {
  tools.open_judge = [&edges, corpus, flags](const std::string& teacher) -> Result<std::unique_ptr<Judge>> {
    AskingFlags asked = flags;
    asked.teacher = teacher;
    asked.sampling = {};
    asked.quiet = true;
    auto consultant = Consultant::open(edges, asked, corpus, "judge", Json::object());
    if (!consultant) return fail(consultant.error());
    return std::unique_ptr<Judge>(std::make_unique<TeacherAsJudge>(std::move(*consultant)));
  };
  return tools;
}

}  // namespace retort
