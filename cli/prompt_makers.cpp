// `retort prompts self-instruct, evolve, magpie, topics`: from the words of a command line to a maker of prompts.
#include "cli/prompt_makers.h"

#include <fstream>
#include <iterator>

#include "cli/making.h"
#include "cli/options.h"
#include "core/base/text.h"
#include "core/prompt/make/magpie.h"
#include "core/prompt/make/topics.h"

namespace retort {
namespace {

Result<int> run_magpie(Edges& edges, MakingFlags flags) {
  const CutTemplate* cut = find_cut_template(flags.cut_template);
  if (cut == nullptr && flags.pre_query.empty())
    return fail(Errc::usage, "say how the model's chat begins: --template NAME, or --pre-query TEXT with --stop TEXT");
  if (cut == nullptr && flags.asking.sampling.stop.empty())
    return fail(Errc::usage, "--pre-query needs --stop TEXT: what ends the user's turn in the model's template");
  if (cut != nullptr && cut->before_system.empty() && !flags.system.empty())
    return fail(Errc::usage, "the template " + flags.cut_template + " has no system message");
  auto desk =
      PromptDesk::open(edges, flags, "magpie", {{"template", flags.cut_template}, {"pre_query", flags.pre_query}});
  if (!desk) return fail(desk.error());
  const TeacherIdentity& teacher = (*desk)->teacher().plan().profile.identity;
  if (teacher.dialect != "openai-completions") {
    return fail(Errc::usage, "magpie needs a raw text to be completed, which " + teacher.dialect +
                                 " does not do: give [teacher." + teacher.name +
                                 "] api = \"openai-completions\" (an open model behind vLLM, SGLang, llama.cpp, …)");
  }
  Json& parameters = (*desk)->teacher().parameters();
  std::vector<std::string> marks;
  if (cut != nullptr) {
    if (flags.asking.sampling.stop.empty()) parameters["stop"] = Json::array({cut->stop});
    marks = {std::string(cut->stop), std::string(cut->before_user)};
  } else {
    marks = flags.asking.sampling.stop;
  }
  // Without chance every sample would say the same.
  if (!parameters.contains("temperature")) parameters["temperature"] = 1.0;
  const std::string text = cut != nullptr ? cut_text(*cut, flags.system) : flags.pre_query;
  const Result<void> done = magpie(**desk, flags, text, marks);
  return (*desk)->finish(done);
}

Result<std::vector<std::string>> lines_of_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (!file.is_open() || file.bad()) return fail(Errc::usage, "cannot read " + path);
  if (!is_valid_utf8(text)) return fail(Errc::usage, path + " is not UTF-8");
  std::vector<std::string> lines = read_lines(text);
  if (lines.empty()) return fail(Errc::usage, path + " has no lines");
  return lines;
}

Result<std::vector<Json>> topic_questions(const MakingFlags& flags) {
  const auto topics = lines_of_file(flags.topics);
  if (!topics) return fail(topics.error());
  std::vector<std::string> personas = {""};
  if (!flags.personas.empty()) {
    auto lines = lines_of_file(flags.personas);
    if (!lines) return fail(lines.error());
    personas = std::move(*lines);
  }
  const std::string form =
      !flags.form.empty() ? flags.form : std::string(flags.personas.empty() ? kBareTopicTemplate : kTopicTemplate);
  if (form.find("{{topic}}") == std::string::npos)
    return fail(Errc::usage, "the template does not say where the topic goes: {{topic}}");
  std::vector<Json> questions;
  for (const std::string& topic : *topics) {
    for (const std::string& persona : personas) {
      auto messages = topic_messages(form, topic, persona, flags.per_request);
      if (!messages) return fail(messages.error());
      questions.push_back(std::move(*messages));
    }
  }
  return questions;
}

// ---- the command line

using Shared = std::shared_ptr<MakingFlags>;

void add_common(CLI::App& command, const Shared& flags) {
  command.add_option("-t,--teacher", flags->asking.teacher, "Name of a [teacher.NAME] that makes them")->required();
  command.add_option("-c,--corpus", flags->corpus, "The corpus that keeps every answer")->capture_default_str();
  command.add_option("-o,--output", flags->output, "File to write; '-' is stdout")->capture_default_str();
  command.add_option("--random-seed", flags->seed, "The same seed and the same answers make the same prompts")
      ->capture_default_str();
  command.add_flag("--json", flags->json, "With -o FILE: the sum as JSON on stdout");
  add_question_options(command, flags->asking);
  add_wire_options(command, flags->asking);
}

void add_seeds(CLI::App& command, const Shared& flags) {
  command.add_option("--seeds", flags->seeds, "Prompts to begin with: files as for harvest; '-' is stdin")->required();
  command.add_option("--prompt-template", flags->seed_settings.prompt_template,
                     "Makes the prompt of a seed's fields: '{{instruction}}'");
}

CLI::Option* add_count(CLI::App& command, const Shared& flags, const char* what) {
  return command.add_option("--count", flags->count, what)->check(CLI::Range(1, 10'000'000));
}

void add_self_instruct(CLI::App& prompts, Action& action) {
  const auto flags = std::make_shared<MakingFlags>();
  CLI::App* command = prompts.add_subcommand("self-instruct", "A teacher writes more tasks like some that it is shown");
  add_common(*command, flags);
  add_seeds(*command, flags);
  add_count(*command, flags, "How many")->required();
  command->add_option("--per-request", flags->per_request, "Tasks asked for at once")
      ->capture_default_str()
      ->check(CLI::Range(1, 100));
  command->add_option("--novelty", flags->novelty, "Drop what is that much like another, by ROUGE-L")
      ->capture_default_str()
      ->check(number_between(0, 1.01));
  command->footer("Example:\n  retort prompts self-instruct -t r1 --seeds seeds.jsonl --count 1000 > prompts.jsonl");
  command->callback([flags, &action] {
    action = [flags](Edges& edges) -> Result<int> {
      auto seeds = read_seeds(*flags);
      if (!seeds) return fail(seeds.error());
      auto desk = PromptDesk::open(edges, *flags, "self-instruct", {{"novelty", flags->novelty}});
      if (!desk) return fail(desk.error());
      const Result<void> done = self_instruct(**desk, *flags, std::move(*seeds));
      return (*desk)->finish(done);
    };
  });
}

void add_evolve(CLI::App& prompts, Action& action) {
  const auto flags = std::make_shared<MakingFlags>();
  CLI::App* command = prompts.add_subcommand("evolve", "A teacher rewrites prompts into harder and into new ones");
  add_common(*command, flags);
  add_seeds(*command, flags);
  add_count(*command, flags, "Stop after so many");
  command->add_option("--rounds", flags->rounds, "How often each prompt is evolved")
      ->capture_default_str()
      ->check(CLI::Range(1, 100));
  command
      ->add_option("--methods", flags->methods,
                   "Only these, comma-separated (default: all): constraints, deepen, concretise, reasoning, breadth")
      ->delimiter(',')
      ->check(CLI::IsMember({"constraints", "deepen", "concretise", "reasoning", "breadth"}));
  command->add_flag("--check-answers", flags->check_answers,
                    "Ask each new prompt as well, and drop it if the answer is an apology or says nothing");
  command->footer("Example:\n  retort prompts evolve -t r1 --seeds prompts.jsonl --rounds 3 > harder.jsonl");
  command->callback([flags, &action] {
    action = [flags](Edges& edges) -> Result<int> {
      auto seeds = read_seeds(*flags);
      if (!seeds) return fail(seeds.error());
      auto desk = PromptDesk::open(edges, *flags, "evolve", {{"rounds", flags->rounds}, {"methods", flags->methods}});
      if (!desk) return fail(desk.error());
      const Result<void> done = evolve(**desk, *flags, std::move(*seeds));
      return (*desk)->finish(done);
    };
  });
}

void add_magpie(CLI::App& prompts, Action& action) {
  const auto flags = std::make_shared<MakingFlags>();
  CLI::App* command = prompts.add_subcommand("magpie", "An open model writes the user's turn of its own chat template");
  add_common(*command, flags);
  add_count(*command, flags, "How many")->required();
  std::vector<std::string> names;
  for (const CutTemplate& cut : cut_templates()) names.emplace_back(cut.name);
  command->add_option("--template", flags->cut_template, "The model's: chatml, llama3, gemma, mistral, phi3, retort")
      ->check(CLI::IsMember(names));
  command->add_option("--pre-query", flags->pre_query, "Another template's text, up to the user's words; with --stop");
  command->add_option("--system", flags->system, "A system message before the user's turn");
  command->footer("Example:\n  retort prompts magpie -t qwen-raw --template chatml --count 1000 > prompts.jsonl");
  command->callback([flags, &action] { action = [flags](Edges& edges) { return run_magpie(edges, *flags); }; });
}

void add_topics(CLI::App& prompts, Action& action) {
  const auto flags = std::make_shared<MakingFlags>();
  CLI::App* command = prompts.add_subcommand("topics", "A teacher writes prompts for topics, as personas would ask");
  add_common(*command, flags);
  add_count(*command, flags, "Stop after so many");
  command->add_option("--topics", flags->topics, "File of topics, one a line")->required();
  command->add_option("--personas", flags->personas, "File of personas, one a line: each asks about each topic");
  command->add_option("--ask", flags->form, "What is asked: names {{topic}}, {{n}} and {{persona}}");
  command->add_option("--per-request", flags->per_request, "Prompts asked for at once: {{n}}")
      ->capture_default_str()
      ->check(CLI::Range(1, 100));
  command->add_option("--novelty", flags->novelty, "Drop what is that much like another, by ROUGE-L")
      ->capture_default_str()
      ->check(number_between(0, 1.01));
  command->footer(
      "Example:\n  retort prompts topics -t r1 --topics topics.txt --personas personas.txt --count 500 > "
      "prompts.jsonl");
  command->callback([flags, &action] {
    action = [flags](Edges& edges) -> Result<int> {
      const auto questions = topic_questions(*flags);
      if (!questions) return fail(questions.error());
      auto desk = PromptDesk::open(edges, *flags, "topics", {{"topics", flags->topics}, {"personas", flags->personas}});
      if (!desk) return fail(desk.error());
      const Result<void> done = topics(**desk, *flags, *questions);
      return (*desk)->finish(done);
    };
  });
}

}  // namespace

void add_prompt_makers(CLI::App& prompts, Action& action) {
  add_self_instruct(prompts, action);
  add_evolve(prompts, action);
  add_magpie(prompts, action);
  add_topics(prompts, action);
}

}  // namespace retort
