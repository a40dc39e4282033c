#include "cli/prompt_desk.h"

#include "cli/exit_codes.h"
#include "cli/output_file.h"
#include "cli/run_record.h"
#include "cli/terminal.h"
#include "core/base/text.h"
#include "core/curate/origins.h"

namespace retort {
namespace {

Json makers_json(const std::vector<Maker>& makers) {
  Json list = Json::array();
  for (const Maker& maker : makers) {
    Json one = {{"method", maker.made.method},      {"teacher", maker.teacher.name},
                {"dialect", maker.teacher.dialect}, {"base_url", maker.teacher.base_url},
                {"model", maker.teacher.model},     {"vendor", maker.teacher.vendor},
                {"terms", terms_json(maker.rights)}};
    if (std::find(list.begin(), list.end(), one) == list.end()) list.push_back(std::move(one));
  }
  return list;
}

}  // namespace

Result<std::vector<SeedPrompt>> read_seeds(const MakerFlags& flags) {
  auto source = open_prompts(flags.seeds, flags.seed_settings);
  if (!source) return fail(source.error());
  std::vector<SeedPrompt> seeds;
  while (auto event = (*source)->next()) {
    if (const auto* bad = std::get_if<BadRow>(&*event))
      return fail(Errc::usage, bad->source + ":" + std::to_string(bad->row) + ": " + bad->problem);
    const PromptRow& row = std::get<PromptRow>(*event);
    std::vector<std::string> texts = user_texts(row.messages.json());
    if (texts.empty()) return fail(Errc::usage, row.source + ":" + std::to_string(row.row) + ": no text of a user");
    seeds.push_back({std::move(texts.back()), json_child(row.metadata, "made")});
  }
  if (seeds.empty()) return fail(Errc::usage, "there are no prompts to begin with");
  return seeds;
}

Result<std::unique_ptr<PromptDesk>> PromptDesk::open(Edges& edges, const MakerFlags& flags, std::string method,
                                                     Json settings) {
  std::unique_ptr<PromptDesk> desk(new PromptDesk(edges, flags, method));
  settings["method"] = method;
  settings["seed"] = flags.seed;
  settings["count"] = flags.count;
  auto teacher = Consultant::open(edges, flags.asking, flags.corpus, "maker", std::move(settings));
  if (!teacher) return fail(teacher.error());
  desk->teacher_ = std::move(*teacher);
  return desk;
}

Result<std::vector<std::optional<KnownAnswer>>> PromptDesk::ask(const std::vector<Question>& questions) {
  std::vector<Inquiry> inquiries;
  for (const Question& question : questions) {
    Inquiry inquiry;
    inquiry.row.source = "maker";
    inquiry.row.messages = question.messages;
    inquiry.row.metadata = {{"method", method_}, {"shown", question.shown}};
    inquiry.sample = question.sample;
    inquiries.push_back(std::move(inquiry));
  }
  auto answers = teacher_->ask(inquiries);
  if (!answers) return answers;
  asked_ += static_cast<std::int64_t>(questions.size());
  for (const auto& answer : *answers) unanswered_ += answer ? 0 : 1;
  return answers;
}

bool PromptDesk::add(std::string text, RowId response, std::vector<std::string> parents,
                     const std::vector<Json>& parents_made) {
  if (enough()) return false;
  Json stated = Json::array();
  for (const Json& made : parents_made) {
    for (const Json& maker : json_child(made, "makers")) stated.push_back(maker);
  }
  std::string digest = prompt_text_digest(text);
  lines_.push_back({{std::move(digest), response, method_, std::move(parents)}, std::move(text), std::move(stated)});
  return true;
}

Result<void> PromptDesk::record() {
  if (lines_.empty()) return {};
  auto log = edges_.corpora.curate(flags_.corpus, run_start(edges_, "prompts", {{"method", method_}}));
  if (!log) return fail(log.error());
  constexpr std::size_t kAtOnce = 1000;
  std::vector<MadePrompt> made;
  for (std::size_t i = 0; i < lines_.size(); ++i) {
    made.push_back(lines_[i].made);
    if (made.size() < kAtOnce && i + 1 < lines_.size()) continue;
    if (auto done = (*log)->put(made); !done) return done;
    made.clear();
  }
  return (*log)->close({0, {}, {{"prompts", lines_.size()}, {"dropped", dropped_}}});
}

Result<std::string> PromptDesk::rows() const {
  std::string text;
  if (lines_.empty()) return text;
  auto reader = edges_.corpora.read(flags_.corpus);
  if (!reader) return fail(reader.error());
  for (const Line& line : lines_) {
    const Json messages = Json::array({{{"role", "user"}, {"content", line.text}}});
    const Json stated = {{"made", {{"digest", line.made.digest}, {"makers", line.stated}}}};
    const auto makers = makers_of(**reader, messages, stated);
    if (!makers) return fail(makers.error());
    text += dump_json({{"prompt", line.text},
                       {"made",
                        {{"method", line.made.method},
                         {"digest", line.made.digest},
                         {"response", line.made.response},
                         {"parents", line.made.parents},
                         {"makers", makers_json(*makers)}}}}) +
            "\n";
  }
  return text;
}

Result<int> PromptDesk::finish(const Result<void>& stopped) {
  teacher_.reset();  // its run ends, and says what it did
  if (!stopped && stopped.error().code == Errc::interrupted)
    return fail(Errc::interrupted, "stopped: what was answered is kept; run the same command again for the prompts");
  if (auto done = record(); !done) return fail(done.error());
  const auto text = rows();
  if (!text) return fail(text.error());
  if (flags_.output == "-") {
    if (!text->empty()) print_line(text->substr(0, text->size() - 1));
  } else {
    auto file = OutputFile::create(flags_.output);
    if (!file) return fail(file.error());
    for (const auto& step : {file->write(*text), file->finish(), file->commit()}) {
      if (!step) return fail(step.error());
    }
  }
  std::string line = with_commas(made()) + " prompts made from " + with_commas(asked_ - unanswered_) + " answers";
  if (unanswered_ > 0) line += "; " + with_commas(unanswered_) + " questions have no answer";
  for (const auto& [why, times] : dropped_) line += "; " + why + ": " + with_commas(times);
  say(line);
  if (flags_.json && flags_.output != "-") {
    print_line(dump_json({{"prompts", made()}, {"asked", asked_}, {"unanswered", unanswered_}, {"dropped", dropped_}}));
  }
  if (!stopped) return fail(stopped.error());
  const bool short_of = flags_.count > 0 && !enough();
  return unanswered_ > 0 || short_of ? kExitSomeFailed : kExitComplete;
}

}  // namespace retort
