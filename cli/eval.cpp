// `retort eval`: how often is a student, or a teacher, right on prompts whose answers are known?
#include <optional>

#include "cli/ask_options.h"
#include "cli/command.h"
#include "cli/consulting.h"
#include "cli/eval_compare.h"
#include "cli/eval_tally.h"
#include "cli/eval_teacher.h"
#include "cli/exit_codes.h"
#include "cli/output_file.h"
#include "cli/run_record.h"
#include "cli/student_module.h"
#include "core/grade/make_grader.h"
#include "core/prompt/prompt_source.h"

namespace retort {
namespace {

constexpr std::size_t kAnswersAtOnce = 1024;

struct EvalFlags {
  std::string run, teacher;
  std::vector<std::string> files, compared;
  std::string items, corpus;
  std::string device = "auto";
  std::string grader = "exact";
  int samples = 1;
  bool json = false;
  AskingFlags asking;  ///< of a teacher or a judge
  PromptSettings prompts;
  AskSettings ask;

  const std::string& who() const { return teacher.empty() ? run : teacher; }
};

using Answers = std::vector<StudentAnswer>;

// A row that cannot be graded stops the evaluation: a figure over an unknown part of the prompts is worth nothing.
Result<std::vector<Grade>> graded(Grader& grader, const std::vector<PromptRow>& rows, const Answers& answers) {
  const std::size_t samples = answers.size() / rows.size();
  std::vector<GradeInput> inputs;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const PromptRow& row = rows[i / samples];
    inputs.push_back({&row.messages.json(), answers[i].text, answers[i].reasoning, row.reference, &row.metadata});
  }
  auto grades = grader.grade_all(inputs);
  if (!grades) return grades;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    if (!answers[i].problem.empty()) {
      (*grades)[i] = {Grade::Kind::wrong, 0, answers[i].problem, {}};
      if (i % samples == 0)
        say(rows[i / samples].source + ":" + std::to_string(rows[i / samples].row) + ": " + answers[i].problem +
            "; it counts as wrong");
    }
    if ((*grades)[i].kind != Grade::Kind::ungradable) continue;
    const PromptRow& row = rows[i / samples];
    const std::string why = row.reference.empty() ? "there is no 'reference' to grade against" : (*grades)[i].reason;
    return fail(Errc::usage, row.source + ":" + std::to_string(row.row) + ": " + why);
  }
  return grades;
}

Json item_json(const PromptRow& row, std::size_t sample, const StudentAnswer& got, const Grade& verdict) {
  return {{"source", row.source},
          {"row", row.row},
          {"sample", sample},
          {"family", json_text(row.metadata, "family")},
          {"right", verdict.kind == Grade::Kind::right},
          {"score", verdict.score},
          {"reason", verdict.reason},
          {"extracted", verdict.extracted},
          {"reference", row.reference},
          {"text", got.text},
          {"reasoning", got.reasoning},
          {"finish", got.ended ? "stop" : "length"},
          {"messages", row.messages.json()}};
}

Result<void> grade(const AskAll& ask, Grader& grader, std::vector<PromptRow>& rows, OutputFile* items,
                   EvalTally& tally) {
  if (rows.empty()) return {};
  const auto answers = ask(rows);
  if (!answers) return fail(answers.error());
  const auto grades = graded(grader, rows, *answers);
  if (!grades) return fail(grades.error());
  const std::size_t samples = answers->size() / rows.size();
  for (std::size_t r = 0; r < rows.size(); ++r) {
    EvalProblem problem{
        problem_id(rows[r].messages.json(), rows[r].reference), json_text(rows[r].metadata, "family"), {}, {}};
    for (std::size_t s = 0; s < samples; ++s) {
      const StudentAnswer& got = (*answers)[r * samples + s];
      const Grade& verdict = (*grades)[r * samples + s];
      problem.right.push_back(verdict.kind == Grade::Kind::right);
      problem.extracted.push_back(verdict.extracted);
      tally.cut += got.ended ? 0 : 1;
      if (items == nullptr) continue;
      if (auto written = items->write(dump_json(item_json(rows[r], s, got, verdict)) + "\n"); !written) return written;
    }
    tally.add(std::move(problem));
  }
  rows.clear();
  return {};
}

Result<EvalTally> grade_all(const AskAll& ask, Grader& grader, PromptSource& source, const EvalFlags& flags,
                            OutputFile* items) {
  EvalTally tally;
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
    if (rows.size() * static_cast<std::size_t>(flags.samples) < kAnswersAtOnce) continue;
    if (auto graded = grade(ask, grader, rows, items, tally); !graded) return fail(graded.error());
  }
  if (auto graded = grade(ask, grader, rows, items, tally); !graded) return fail(graded.error());
  if (tally.answers == 0) return fail(Errc::usage, "there are no prompts to evaluate on");
  return tally;
}

Result<AskAll> student_of(const EvalFlags& flags) {
  const auto module = StudentModule::load();
  if (!module) return fail(module.error());
  auto opened = module->open(flags.run, flags.device);
  if (!opened) return fail(opened.error());
  on_interrupt({});
  return AskAll([student = std::shared_ptr<Student>(std::move(*opened)), settings = flags.ask,
                 samples = flags.samples](const std::vector<PromptRow>& rows) mutable -> Result<Answers> {
    std::vector<Json> prompts;
    for (const PromptRow& row : rows)
      prompts.insert(prompts.end(), static_cast<std::size_t>(samples), row.messages.json());
    auto answers = student->ask(prompts, settings);
    ++settings.seed;
    return answers;
  });
}

Result<AskAll> teacher_of(Edges& edges, const EvalFlags& flags) {
  HarvestFlags harvest;
  harvest.prompts = flags.files;
  harvest.prompt = flags.prompts;
  harvest.corpus = flags.corpus;
  harvest.samples = flags.samples;
  harvest.asking = flags.asking;
  harvest.asking.teacher = flags.teacher;
  return teacher_as_candidate(edges, std::move(harvest));
}

// Kept problem by problem, so that a later evaluation can be compared with this one.
Result<void> record(Edges& edges, const EvalFlags& flags, const EvalTally& tally) {
  Json summary = tally_json(tally);
  summary["problems"] = tally_record(tally);
  const RunStart run = run_start(edges, "eval",
                                 {{"run", flags.run},
                                  {"teacher", flags.teacher},
                                  {"prompts", flags.files},
                                  {"grader", flags.grader},
                                  {"samples", flags.samples},
                                  {"temperature", flags.ask.temperature},
                                  {"max_tokens", flags.ask.tokens_max},
                                  {"seed", flags.ask.seed}});
  if (auto kept = edges.corpora.record(flags.corpus, run, {kExitComplete, {}, summary}, {}); !kept) return kept;
  auto reader = edges.corpora.read(flags.corpus);
  if (!reader) return fail(reader.error());
  const auto runs = (*reader)->runs();
  if (!runs) return fail(runs.error());
  RowId newest = 0;
  for (const RunRecord& one : *runs) newest = one.command == "eval" ? std::max(newest, one.id) : newest;
  say("kept as " + flags.corpus + "#" + std::to_string(newest) + ", for --compare");
  return {};
}

bool has_judge(const EvalFlags& flags) { return flags.grader.rfind("judge:", 0) == 0; }

Result<void> check(const EvalFlags& flags) {
  if (flags.run.empty() == flags.teacher.empty())
    return fail(Errc::usage, "whom to evaluate? Give the folder of a run, or --teacher NAME, and not both");
  if (flags.files.empty()) return fail(Errc::usage, "nothing to evaluate on: --prompts FILE");
  if (!flags.teacher.empty() && flags.corpus.empty())
    return fail(Errc::usage, "--teacher needs -c CORPUS: what the teacher answers is kept there, and not asked again");
  if (has_judge(flags) && flags.corpus.empty())
    return fail(Errc::usage, "a judge needs -c CORPUS: what it says is kept there, and not asked again");
  for (const std::string& file : flags.files) {
    if (file == "-" && !flags.teacher.empty())
      return fail(Errc::usage, "--teacher reads the prompts twice: name a file instead of '-'");
  }
  if (flags.teacher.empty() && flags.samples > 1 && flags.ask.temperature <= 0)
    return fail(Errc::usage, "--samples with temperature 0 gives one answer many times: add --temperature 0.7");
  return {};
}

Result<int> run_eval(Edges& edges, const EvalFlags& flags) {
  if (!flags.compared.empty()) return compare_evaluations(edges.corpora, flags.compared, flags.json);
  if (auto checked = check(flags); !checked) return fail(checked.error());
  if (flags.teacher.empty() && !has_judge(flags) && !flags.corpus.empty()) {  // before the work, not after it
    if (const auto there = edges.corpora.read(flags.corpus); !there) return fail(there.error());
  }
  const auto grader = make_grader(flags.grader, judging_tools(edges, edges.graders, flags.corpus, flags.asking));
  if (!grader) return fail(grader.error());
  auto source = open_prompts(flags.files, flags.prompts);
  if (!source) return fail(source.error());
  std::optional<OutputFile> items;
  if (!flags.items.empty()) {
    auto created = OutputFile::create(flags.items);
    if (!created) return fail(created.error());
    items.emplace(std::move(*created));
  }
  const auto ask = flags.teacher.empty() ? student_of(flags) : teacher_of(edges, flags);
  if (!ask) return fail(ask.error());
  const auto tally = grade_all(*ask, **grader, **source, flags, items ? &*items : nullptr);
  if (!tally) return fail(tally.error());
  if (items) {
    if (auto done = items->finish(); !done) return fail(done.error());
    if (auto done = items->commit(); !done) return fail(done.error());
  }
  if (flags.json) {
    Json result = tally_json(*tally);
    result[flags.teacher.empty() ? "run" : "teacher"] = flags.who();
    result["grader"] = flags.grader;
    print_line(dump_json(result));
  } else {
    for (const std::string& line : tally_lines(*tally, flags.who())) print_line(line);
  }
  if (!flags.corpus.empty()) {
    if (auto kept = record(edges, flags, *tally); !kept) return fail(kept.error());
  }
  return kExitComplete;
}

}  // namespace

void add_eval(CLI::App& app, Action& action) {
  auto flags = std::make_shared<EvalFlags>();
  CLI::App* command =
      app.add_subcommand("eval", "Grade answers of a student or a teacher to prompts with known answers");
  command->add_option("run", flags->run, "Folder of the run, a model folder or a .gguf file");
  command->add_option("--teacher", flags->teacher, "Instead of a run: a [teacher.NAME], asked as retort harvest does");
  command->add_option("--prompts", flags->files,
                      "JSON lines or Parquet with a 'reference'; a 'family' groups them; '-' is stdin");
  command->add_option("-n,--samples", flags->samples, "Answers to each prompt: pass@k and a majority vote as well")
      ->capture_default_str()
      ->check(CLI::Range(1, 10'000));
  command->add_option("-o,--output", flags->items, "Also write each answer with its grade, as JSON lines");
  command->add_option(
      "-c,--corpus", flags->corpus,
      "A corpus that keeps what was right, and what a teacher or a judge answered, which is not asked again");
  command->add_option("--compare", flags->compared,
                      "Nothing is asked: files of -o, or CORPUS#RUN, side by side and in pairs with the first");
  command
      ->add_option("--grader", flags->grader,
                   "exact, text, number, math, choice, regex:…, code:python, command:…, judge:…, …")
      ->capture_default_str();
  command->add_flag("--json", flags->json, "The result as JSON on stdout");
  command->add_option("--prompt-template", flags->prompts.prompt_template,
                      "Makes the prompt of any JSON object: '… {{field}} …'");
  add_ask_options(*command, flags->ask);
  add_judge_options(*command, flags->asking);
  command->add_option("--device", flags->device, "auto, cpu or cuda")
      ->capture_default_str()
      ->check(CLI::IsMember({"auto", "cpu", "cuda"}));
  command->footer(
      "Example:\n  retort eval runs/first --prompts held-out.jsonl -o after.jsonl\n"
      "  retort eval --teacher r1 -c eval.db --prompts held-out.jsonl -o teacher.jsonl\n"
      "  retort eval --compare before.jsonl after.jsonl teacher.jsonl");
  command->callback([flags, &action] { action = [flags](Edges& edges) { return run_eval(edges, *flags); }; });
}

}  // namespace retort
