// `retort eval`: how often is a student right on prompts whose answers are known?
#include <cstdio>
#include <map>
#include <optional>

#include "cli/command.h"
#include "cli/exit_codes.h"
#include "cli/output_file.h"
#include "cli/student_module.h"
#include "cli/terminal.h"
#include "core/grade/accuracy.h"
#include "core/grade/make_grader.h"
#include "core/prompt/prompt_source.h"

namespace retort {
namespace {

constexpr std::size_t kPromptsAtOnce = 1024;

struct EvalFlags {
  std::string run;
  std::vector<std::string> files;
  std::string items;
  std::string device = "auto";
  std::string grader = "exact";
  bool json = false;
  PromptSettings prompts;
  AskSettings ask;
};

struct Count {
  std::int64_t right = 0, all = 0;
};

struct Tally {
  Count overall;
  std::map<std::string, Count> families;
  std::int64_t cut = 0;  ///< answers that did not end by themselves

  void add(const std::string& family, bool right, bool ended) {
    cut += ended ? 0 : 1;
    for (Count* count : {&overall, family.empty() ? nullptr : &families[family]}) {
      if (count == nullptr) continue;
      count->all += 1;
      count->right += right ? 1 : 0;
    }
  }
};

std::string percent(double share) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f %%", 100 * share);
  return text;
}

double share(const Count& count) {
  return count.all == 0 ? 0 : static_cast<double>(count.right) / static_cast<double>(count.all);
}

Json count_json(const Count& count) {
  const Interval interval = wilson_interval(count.right, count.all);
  return {{"right", count.right},
          {"all", count.all},
          {"accuracy", share(count)},
          {"interval_95", {interval.low, interval.high}}};
}

std::string accuracy_line(const EvalFlags& flags, const Tally& tally) {
  const Interval interval = wilson_interval(tally.overall.right, tally.overall.all);
  std::string line = "accuracy " + percent(share(tally.overall)) + " (" + with_commas(tally.overall.right) + " of " +
                     with_commas(tally.overall.all) + ", 95 % interval " + percent(interval.low) + " to " +
                     percent(interval.high) + ") of " + flags.run;
  std::string families;
  for (const auto& [name, count] : tally.families)
    families += (families.empty() ? "; " : ", ") + visible_line(name) + " " + percent(share(count));
  return line + families;
}

// A row that cannot be graded stops the evaluation: a figure over an unknown part of the prompts is worth nothing.
Result<std::vector<Grade>> graded(Grader& grader, const std::vector<PromptRow>& rows,
                                  const std::vector<StudentAnswer>& answers) {
  std::vector<GradeInput> inputs;
  for (std::size_t i = 0; i < rows.size(); ++i)
    inputs.push_back({&rows[i].messages.json(), answers[i].text, answers[i].reasoning, rows[i].reference, &rows[i].metadata});
  auto grades = grader.grade_all(inputs);
  if (!grades) return grades;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if ((*grades)[i].kind != Grade::Kind::ungradable) continue;
    const std::string why =
        rows[i].reference.empty() ? "there is no 'reference' to grade against" : (*grades)[i].reason;
    return fail(Errc::usage, rows[i].source + ":" + std::to_string(rows[i].row) + ": " + why);
  }
  return grades;
}

Result<void> grade(Student& student, Grader& grader, std::vector<PromptRow>& rows, const EvalFlags& flags,
                   OutputFile* items, Tally& tally) {
  if (rows.empty()) return {};
  std::vector<Json> prompts;
  for (const PromptRow& row : rows) prompts.push_back(row.messages.json());
  const auto answers = student.ask(prompts, flags.ask);
  if (!answers) return fail(answers.error());
  const auto grades = graded(grader, rows, *answers);
  if (!grades) return fail(grades.error());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const StudentAnswer& got = (*answers)[i];
    const std::string family = json_text(rows[i].metadata, "family");
    const Grade& verdict = (*grades)[i];
    const bool right = verdict.kind == Grade::Kind::right;
    tally.add(family, right, got.ended);
    if (items == nullptr) continue;
    const Json item = {{"source", rows[i].source},
                       {"row", rows[i].row},
                       {"family", family},
                       {"right", right},
                       {"score", verdict.score},
                       {"reason", verdict.reason},
                       {"reference", rows[i].reference},
                       {"text", got.text},
                       {"reasoning", got.reasoning},
                       {"finish", got.ended ? "stop" : "length"},
                       {"messages", rows[i].messages.json()}};
    if (auto written = items->write(dump_json(item) + "\n"); !written) return written;
  }
  rows.clear();
  return {};
}

Result<Tally> grade_all(Student& student, Grader& grader, PromptSource& source, const EvalFlags& flags,
                        OutputFile* items) {
  Tally tally;
  std::vector<PromptRow> rows;
  while (auto event = source.next()) {
    if (const auto* bad = std::get_if<BadRow>(&*event)) {
      return fail(Errc::usage, bad->source + ":" + std::to_string(bad->row) + ": " + bad->problem);
    }
    PromptRow& row = std::get<PromptRow>(*event);
    // Before anything is asked; other graders may find what they need in the metadata.
    if (row.reference.empty() && flags.grader == "exact") {
      return fail(Errc::usage,
                  row.source + ":" + std::to_string(row.row) + ": there is no 'reference' to grade against");
    }
    rows.push_back(std::move(row));
    if (rows.size() < kPromptsAtOnce) continue;
    if (auto graded = grade(student, grader, rows, flags, items, tally); !graded) return fail(graded.error());
  }
  if (auto graded = grade(student, grader, rows, flags, items, tally); !graded) return fail(graded.error());
  if (tally.overall.all == 0) return fail(Errc::usage, "there are no prompts to evaluate on");
  return tally;
}

void report(const EvalFlags& flags, const Tally& tally) {
  if (flags.json) {
    Json families = Json::object();
    for (const auto& [name, count] : tally.families) families[name] = count_json(count);
    Json result = count_json(tally.overall);
    result["run"] = flags.run;
    result["grader"] = flags.grader;
    result["families"] = families;
    result["cut"] = tally.cut;
    print_line(dump_json(result));
    return;
  }
  Table table(
      {{"family"}, {"right", Table::Align::right}, {"of", Table::Align::right}, {"accuracy", Table::Align::right}});
  for (const auto& [name, count] : tally.families)
    table.add({name, with_commas(count.right), with_commas(count.all), percent(share(count))});
  if (!tally.families.empty()) {
    for (const std::string& line : table.lines()) print_line(line);
  }
  if (tally.cut > 0) print_line(with_commas(tally.cut) + " answers did not end within their limit");
  print_line(accuracy_line(flags, tally));
}

Result<int> run_eval(const EvalFlags& flags, const GraderTools& tools) {
  const auto grader = make_grader(flags.grader, tools);
  if (!grader) return fail(grader.error());
  auto source = open_prompts(flags.files, flags.prompts);
  if (!source) return fail(source.error());
  std::optional<OutputFile> items;
  if (!flags.items.empty()) {
    auto created = OutputFile::create(flags.items);
    if (!created) return fail(created.error());
    items.emplace(std::move(*created));
  }
  const auto module = StudentModule::load();
  if (!module) return fail(module.error());
  const auto student = module->open(flags.run, flags.device);
  if (!student) return fail(student.error());
  on_interrupt({});
  const auto tally = grade_all(**student, **grader, **source, flags, items ? &*items : nullptr);
  if (!tally) return fail(tally.error());
  if (items) {
    if (auto done = items->finish(); !done) return fail(done.error());
    if (auto done = items->commit(); !done) return fail(done.error());
  }
  report(flags, *tally);
  return kExitComplete;
}

}  // namespace

void add_eval(CLI::App& app, Action& action) {
  auto flags = std::make_shared<EvalFlags>();
  CLI::App* command = app.add_subcommand("eval", "Grade a student's answers to prompts with known answers");
  command->add_option("run", flags->run, "Folder of the run")->required();
  command->add_option("--prompts", flags->files, "JSON lines with a 'reference'; a 'family' groups them; '-' is stdin")
      ->required();
  command->add_option("-o,--output", flags->items, "Also write each answer with its grade, as JSON lines");
  command
      ->add_option("--grader", flags->grader, "exact, text, number, math, choice, regex:…, code:python, command:…, …")
      ->capture_default_str();
  command->add_flag("--json", flags->json, "The result as JSON on stdout");
  command->add_option("--prompt-template", flags->prompts.prompt_template,
                      "Makes the prompt of any JSON object: '… {{field}} …'");
  command->add_option("--max-tokens", flags->ask.tokens_max, "Of an answer")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  command->add_option("--batch-size", flags->ask.batch_size, "Prompts answered at once")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  command->add_option("--device", flags->device, "auto, cpu or cuda")
      ->capture_default_str()
      ->check(CLI::IsMember({"auto", "cpu", "cuda"}));
  command->footer("Example:\n  retort eval runs/first --prompts held-out.jsonl -o items.jsonl");
  command->callback([flags, &action] { action = [flags](Edges& edges) { return run_eval(*flags, edges.graders); }; });
}

}  // namespace retort
