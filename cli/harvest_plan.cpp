#include "cli/harvest_plan.h"

#include <algorithm>
#include <fstream>
#include <sstream>

#include "cli/options.h"
#include "core/grade/json_schema.h"

namespace retort {
namespace {

// What a file of --validate says of an answer's text.
Result<std::function<std::string(const std::string&)>> validator_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file) return fail(Errc::usage, "cannot read the schema '" + path + "': no such file, or no permission");
  const Result<JsonSchema> schema = JsonSchema::parse(text.str());
  if (!schema) return fail(Errc::usage, path + ": " + schema.error().message);
  return std::function<std::string(const std::string&)>(
      [schema = *schema](const std::string& answer) { return schema.problem_with(answer); });
}

PromptFormat format_named(const std::string& name) {
  return name == "jsonl" ? PromptFormat::jsonl : name == "text" ? PromptFormat::text : PromptFormat::automatic;
}

void ask_several_at_once(const TeacherProfile& profile, const Teacher& teacher, HarvestSettings& settings) {
  if (!profile.server_side_n) return;
  // As many as the dialect takes: OpenAI's bound is 128, others have less.
  settings.choices_max = std::min(settings.samples, 128);
  while (settings.choices_max > 1 && !teacher.accepts(settings.parameters, settings.choices_max))
    --settings.choices_max;
  if (settings.choices_max == 1 && settings.samples > 1)
    say("this teacher's dialect gives one answer to a request: samples are asked one by one");
}

}  // namespace

Result<HarvestPlan> resolve_harvest(const HarvestFlags& flags, Edges& edges) {
  if (flags.wanted && !flags.prompts.empty())
    return fail(Errc::usage, "--wanted asks what the corpus wants: leave out '" + flags.prompts.front() + "'");
  if (!flags.wanted && flags.prompts.empty())
    return fail(
        Errc::usage,
        "there is nothing to ask: name files of prompts ('-' is standard input); retort harvest also takes --wanted");
  Result<HarvestPlan> planned = plan_asking(flags.asking, edges);
  if (!planned) return planned;
  HarvestPlan& plan = *planned;
  HarvestSettings& settings = plan.settings;
  const int verified = flags.until_verified.verified;
  settings.samples = flags.samples > 0 ? flags.samples : std::max(1, verified);
  ask_several_at_once(plan.profile, *plan.teacher, settings);
  settings.follow_ups = flags.follow_ups;
  settings.validate_tries = flags.validate_tries;
  if (!flags.validate.empty()) {
    auto validator = validator_of(flags.validate);
    if (!validator) return fail(validator.error());
    settings.problem_with = std::move(*validator);
  }
  settings.retry_failed = std::count(flags.retry.begin(), flags.retry.end(), "failed") > 0;
  settings.retry_truncated = std::count(flags.retry.begin(), flags.retry.end(), "truncated") > 0;
  settings.skip_bad_rows = flags.skip_bad_rows;

  if (flags.wanted) {
    auto source = wanted_source(edges, flags.corpus, settings);
    if (!source) return fail(source.error());
    plan.source = std::move(*source);
    return planned;
  }
  PromptSettings prompt = flags.prompt;
  prompt.format = format_named(flags.format);
  Result<std::unique_ptr<PromptSource>> source = open_prompts(flags.prompts, std::move(prompt));
  if (!source) return fail(source.error());
  plan.source = std::move(*source);
  return planned;
}

CLI::Option* add_prompt_options(CLI::App& command, HarvestFlags& flags) {
  command.add_option("prompts", flags.prompts,
                     "Files of prompts: JSON lines, Parquet or plain text; '-' is standard input");
  command.add_option("-t,--teacher", flags.asking.teacher, "Name of a [teacher.NAME] in the configuration")->required();
  add_corpus_option(command, flags.corpus);
  CLI::Option* samples =
      command.add_option("-n,--samples", flags.samples, "Answers wanted for each prompt (default 1)")
          ->check(CLI::Range(1, 100'000));
  command
      .add_option("--format", flags.format, "What the files are: auto (by name, or by first character), jsonl or text")
      ->check(CLI::IsMember({"auto", "jsonl", "text"}));
  command.add_option("--prompt-template", flags.prompt.prompt_template,
                     "Make the prompt from a row's fields: 'Solve: {{question}}'");
  command.add_option("--system", flags.prompt.system, "System message for prompts that have none");
  add_question_options(command, flags.asking);
  command.add_option("--retry", flags.retry, "Ask again what is 'failed' or 'truncated' (or both: failed,truncated)")
      ->delimiter(',')
      ->check(CLI::IsMember({"failed", "truncated"}));
  command.add_flag("--skip-bad-rows", flags.skip_bad_rows,
                   "Go on with the rest where a row is broken (exit 3), instead of stopping there");
  command.add_flag("--json", flags.json, "Print the summary as JSON on standard output");
  return samples;
}

}  // namespace retort
