// The list of commands, and the one way from words to an exit status.
#include "cli/commands.h"

#include <algorithm>
#include <sstream>

#include "cli/batch.h"
#include "cli/exit_codes.h"
#include "cli/merge.h"
#include "cli/suggest.h"
#include "cli/talk.h"

namespace retort {
namespace {

int tell(const Error& error) {
  say("retort: " + error.message);
  return error.code == Errc::interrupted ? interrupted_exit_code() : exit_code_of(error.code);
}

void add_all(CLI::App& app, Action& action) {
  add_harvest(app, action);
  add_batch(app, action);
  add_status(app, action);
  add_show(app, action);
  add_fsck(app, action);
  add_snapshot(app, action);
  add_merge(app, action);
  add_forget(app, action);
  add_decode(app, action);
  add_audit(app, action);
  add_curate(app, action);
  add_export(app, action);
  add_import(app, action);
  add_verify_manifest(app, action);
  add_trace(app, action);
  add_terms(app, action);
  add_costs(app, action);
  add_train(app, action);
  add_convert(app, action);
  add_generate(app, action);
  add_eval(app, action);
  add_teacher(app, action);
  add_prompts(app, action);
  add_serve(app, action);
  add_demo(app, action);
}

/// One line for people: the word that nobody knows comes first, since what else is lacking follows from it often.
std::string usage_problem(const CLI::App& app, const std::string& said) {
  const CLI::App* command = &app;
  std::string path = "retort";
  while (!command->get_subcommands().empty()) {
    command = command->get_subcommands().front();
    path += " " + command->get_name();
  }
  std::string problem = said.substr(0, said.find('\n'));
  const std::vector<std::string> extras = app.remaining(true);
  const auto option =
      std::find_if(extras.begin(), extras.end(), [](const std::string& word) { return word.starts_with('-'); });
  if (option != extras.end()) {
    std::vector<std::string> known;
    for (const CLI::Option* one : command->get_options()) {
      for (const std::string& name : one->get_lnames()) known.push_back("--" + name);
    }
    const std::string name = option->substr(0, option->find('='));
    problem = "unknown option '" + name + "'" + did_you_mean(name, known);
  } else if (!extras.empty()) {
    problem = "'" + extras.front() + "' is one word too many";
  }
  return "retort: " + problem + " (see " + path + " --help)";
}

}  // namespace

int run_command_line(const std::vector<std::string>& words, Edges& edges) {
  CLI::App app("retort: harvest a teacher model's answers into a corpus, and train a student on it", "retort");
  Action action;
  std::string log_file;
  app.set_version_flag("--version", "retort " RETORT_VERSION);
  app.add_option("--log-file", log_file, "Also write what is said, with times, to the end of this file");
  app.require_subcommand(1);
  app.fallthrough();
  app.footer(
      "Exit status: 0 complete, 1 internal error, 2 usage, 3 some rows failed, 4 the teacher refuses us, 5 quota,\n"
      "6 terms, 7 corpus unusable or locked, 8 disk, 129/130/143 stopped by a signal.\n"
      "Try it without a teacher of your own: retort demo");
  add_all(app, action);
  if (!words.empty() && words.front().rfind('-', 0) != 0) {
    std::vector<std::string> known;
    for (const CLI::App* command : app.get_subcommands({})) known.push_back(command->get_name());
    if (std::find(known.begin(), known.end(), words.front()) == known.end()) {
      return tell({Errc::usage, "unknown command '" + words.front() + "'" + did_you_mean(words.front(), known) +
                                    " (see retort --help)"});
    }
  }
  try {
    app.parse(std::vector<std::string>(words.rbegin(), words.rend()));
  } catch (const CLI::ParseError& problem) {
    const bool is_answer = problem.get_exit_code() == 0;  // --help and --version
    std::ostringstream out, talk;
    app.exit(problem, out, talk);
    std::string text = is_answer ? out.str() : talk.str();
    if (!is_answer) text = usage_problem(app, text);
    while (!text.empty() && text.back() == '\n') text.pop_back();
    is_answer ? print_line(text) : say(text);
    return is_answer ? kExitComplete : exit_code_of(Errc::usage);
  }
  if (!log_file.empty()) {
    if (const Result<void> opened = also_log_to(log_file); !opened) return tell(opened.error());
  }
  edges.command_line = words;
  const Result<int> result = action(edges);
  return result ? *result : tell(result.error());
}

}  // namespace retort
