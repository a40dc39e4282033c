// `retort generate`: asks a trained student.
#include "cli/ask_options.h"
#include "cli/command.h"
#include "cli/exit_codes.h"
#include "cli/student_module.h"
#include "core/base/text.h"
#include "core/prompt/prompt_source.h"

namespace retort {
namespace {

constexpr std::size_t kPromptsAtOnce = 1024;  // bounds the memory, whatever the file's length

struct GenerateFlags {
  std::string run;
  std::vector<std::string> files, texts;
  std::string format;
  std::string device = "auto";
  PromptSettings prompts;
  AskSettings ask;
};

struct Asked {
  Json messages;
  std::string source;
  std::int64_t row = 0;
  Json metadata;
};

Json user_message(const std::string& text) { return Json::array({{{"role", "user"}, {"content", text}}}); }

/// How many could not be asked.
Result<std::int64_t> answer(Student& student, std::vector<Asked>& asked, const GenerateFlags& flags,
                            std::uint64_t& seed) {
  std::int64_t bad = 0;
  if (asked.empty()) return bad;
  std::vector<Json> prompts;
  for (const Asked& one : asked) prompts.push_back(one.messages);
  AskSettings ask = flags.ask;
  ask.seed = seed++;
  const auto answers = student.ask(prompts, ask);
  if (!answers) return fail(answers.error());
  for (std::size_t i = 0; i < asked.size(); ++i) {
    const StudentAnswer& got = (*answers)[i];
    if (!got.problem.empty()) {
      ++bad;
      say((asked[i].row > 0 ? asked[i].source + ":" + std::to_string(asked[i].row) : "--prompt") + ": " + got.problem);
      continue;
    }
    if (flags.format == "text") {
      print_line(got.text);
      continue;
    }
    Json line = {{"messages", asked[i].messages},
                 {"text", got.text},
                 {"reasoning", got.reasoning},
                 {"finish", got.ended ? "stop" : "length"},
                 {"tokens", got.tokens}};
    if (asked[i].row > 0) line["source"] = {{"file", asked[i].source}, {"row", asked[i].row}};
    if (!asked[i].metadata.is_null()) line["metadata"] = asked[i].metadata;
    print_line(dump_json(line));
  }
  asked.clear();
  return bad;
}

Result<int> run_generate(const GenerateFlags& given) {
  GenerateFlags flags = given;
  if (flags.files.empty() && flags.texts.empty())
    return fail(Errc::usage, "nothing to answer: give --prompt TEXT, a file of prompts, or '-'");
  if (flags.format.empty()) flags.format = flags.files.empty() ? "text" : "jsonl";
  std::unique_ptr<PromptSource> source;
  if (!flags.files.empty()) {
    auto opened = open_prompts(flags.files, flags.prompts);
    if (!opened) return fail(opened.error());
    source = std::move(*opened);
  }
  const auto module = StudentModule::load();
  if (!module) return fail(module.error());
  const auto student = module->open(flags.run, flags.device);
  if (!student) return fail(student.error());
  on_interrupt({});

  std::uint64_t seed = flags.ask.seed;
  std::vector<Asked> asked;
  for (const std::string& text : flags.texts) asked.push_back({user_message(text), "", 0, nullptr});
  std::int64_t bad = 0;
  const auto answer_all = [&]() -> Result<void> {
    const auto left_out = answer(**student, asked, flags, seed);
    if (!left_out) return fail(left_out.error());
    bad += *left_out;
    return {};
  };
  while (source) {
    auto event = source->next();
    if (!event) break;
    if (const auto* problem = std::get_if<BadRow>(&*event)) {
      ++bad;
      say(problem->source + ":" + std::to_string(problem->row) + ": " + problem->problem);
      continue;
    }
    PromptRow& row = std::get<PromptRow>(*event);
    asked.push_back({row.messages.json(), std::move(row.source), row.row, std::move(row.metadata)});
    if (asked.size() < kPromptsAtOnce) continue;
    if (auto answered = answer_all(); !answered) return fail(answered.error());
  }
  if (auto answered = answer_all(); !answered) return fail(answered.error());
  return bad > 0 ? kExitSomeFailed : kExitComplete;
}

}  // namespace

void add_generate(CLI::App& app, Action& action) {
  auto flags = std::make_shared<GenerateFlags>();
  CLI::App* command = app.add_subcommand("generate", "Ask a trained student");
  command->add_option("run", flags->run, "Folder of the run")->required();
  command->add_option("prompts", flags->files, "Files of prompts (JSON lines, Parquet or text); '-' is stdin");
  command->add_option("--prompt", flags->texts, "A prompt as it stands; may be repeated")->allow_extra_args(false);
  command->add_option("-f,--format", flags->format, "'text' (the answer alone; default for --prompt) or 'jsonl'")
      ->check(CLI::IsMember({"text", "jsonl"}));
  command->add_option("--prompt-template", flags->prompts.prompt_template,
                      "Makes the prompt of any JSON object: '… {{field}} …'");
  add_ask_options(*command, flags->ask);
  command->add_option("--device", flags->device, "auto, cpu or cuda")
      ->capture_default_str()
      ->check(CLI::IsMember({"auto", "cpu", "cuda"}));
  command->footer(
      "Example:\n  retort generate runs/first --prompt 'What is 2 + 2?'\n"
      "  retort generate runs/first prompts.jsonl -f jsonl");
  command->callback([flags, &action] { action = [flags](Edges&) { return run_generate(*flags); }; });
}

}  // namespace retort
