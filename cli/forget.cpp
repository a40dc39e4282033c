// `retort forget`: erases what was asked and answered, for good, and leaves a tombstone.
#include "cli/command.h"
#include "cli/options.h"
#include "cli/run_record.h"
#include "cli/terminal.h"
#include "core/base/text.h"

namespace retort {
namespace {

struct ForgetFlags {
  std::string corpus = "corpus.db";
  std::vector<RowId> responses;
  std::string containing, because;
  bool dry_run = false, json = false;
};

// What is to be forgotten must not stand in the list of runs.
RunStart record_of(const Edges& edges, const ForgetFlags& flags) {
  RunStart run = run_start(edges, "forget", Json::object());
  run.arguments = "forget";
  for (const RowId response : flags.responses) run.arguments += " " + std::to_string(response);
  if (!flags.containing.empty()) run.arguments += " --containing (not kept)";
  return run;
}

Json as_json(const std::vector<ForgottenPrompt>& prompts, bool dry_run) {
  Json lines = Json::array();
  for (const ForgottenPrompt& one : prompts) {
    lines.push_back(
        {{"prompt", one.prompt}, {"digest", one.digest}, {"responses", one.responses}, {"before", one.before}});
  }
  return {{"dry_run", dry_run}, {"prompts", std::move(lines)}};
}

void print_prompts(const std::vector<ForgottenPrompt>& prompts, bool dry_run) {
  for (const ForgottenPrompt& one : prompts) {
    const std::string verb = one.before ? "forgotten before" : dry_run ? "would be forgotten" : "forgotten";
    print_line("prompt " + std::to_string(one.prompt) + " (" + one.digest.substr(0, 12) + "…): " + verb + ", with " +
               (one.responses.empty() ? "no responses" : "responses " + id_list(one.responses)));
  }
}

Result<int> run_forget(Edges& edges, const ForgetFlags& flags) {
  if (flags.responses.empty() && flags.containing.empty())
    return fail(Errc::usage, "forget what? Give response ids, or --containing TEXT");
  if (!flags.dry_run && trimmed(flags.because).empty())
    return fail(Errc::usage, "why? --because TEXT is kept with the tombstone (--dry-run only lists what would go)");
  const auto prompts = edges.corpora.forget(flags.corpus, {flags.responses, flags.containing, flags.because},
                                            record_of(edges, flags), flags.dry_run);
  if (!prompts) return fail(prompts.error());
  if (flags.json) {
    print_line(visible_json(dump_json(as_json(*prompts, flags.dry_run))));
  } else {
    print_prompts(*prompts, flags.dry_run);
  }
  if (prompts->empty()) say("retort: nothing in " + visible_line(flags.corpus) + " contains that");
  return 0;
}

}  // namespace

void add_forget(CLI::App& app, Action& action) {
  auto flags = std::make_shared<ForgetFlags>();
  CLI::App* command = app.add_subcommand("forget", "Erase prompts with all their answers for good; a tombstone stays");
  command->add_option("id", flags->responses, "Response ids, as in exported lines")->check(positive_number());
  command->add_option("--containing", flags->containing, "Prompts with this text in them or in any answer");
  command->add_option("--because", flags->because, "Why; kept in the corpus");
  command->add_flag("--dry-run", flags->dry_run, "Only list what would be forgotten");
  command->add_option("-c,--corpus", flags->corpus, "Corpus to erase from")->capture_default_str();
  command->add_flag("--json", flags->json, "One line of JSON");
  command->footer("Example:\n  retort forget 17 23 --because 'asked to by the author, ticket 12' -c corpus.db");
  command->callback([flags, &action] { action = [flags](Edges& edges) { return run_forget(edges, *flags); }; });
}

}  // namespace retort
