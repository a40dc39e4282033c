// `retort terms`: what holds for answers that are there, and a change of it that stays on record.
#include <algorithm>

#include "cli/command.h"
#include "cli/options.h"
#include "cli/run_record.h"
#include "cli/terminal.h"
#include "core/base/text.h"

namespace retort {
namespace {

struct AmendFlags {
  std::string corpus = "corpus.db", teacher, because, may_train;
  Terms terms;
};

bool is_date(const std::string& text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return false;
  return std::count_if(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; }) == 8;
}

Result<int> run_amend(Edges& edges, const AmendFlags& flags) {
  if (trimmed(flags.because).empty())
    return fail(Errc::usage, "--because says nothing: state who says so, when, and where it is written");
  Terms terms = flags.terms;
  if (!terms.terms_checked.empty() && !is_date(terms.terms_checked))
    return fail(Errc::usage, "--terms-checked wants a date such as 2026-11-22, not '" + terms.terms_checked + "'");
  if (flags.may_train != "unknown") terms.outputs_may_train = flags.may_train == "yes";
  const auto covered =
      edges.corpora.amend_terms(flags.corpus, flags.teacher, terms, std::string(trimmed(flags.because)),
                                run_start(edges, "terms", {{"teacher", flags.teacher}}));
  if (!covered) return fail(covered.error());
  say("amended: " + with_commas(*covered) + " responses of '" + visible_line(flags.teacher) + "' so far; may train: " +
      flags.may_train + ". What was obtained keeps its row, and every manifest lists this statement");
  return 0;
}

}  // namespace

void add_terms(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("terms", "Amend the terms of answers that are there");
  command->require_subcommand(1);
  auto flags = std::make_shared<AmendFlags>();
  CLI::App* amend = command->add_subcommand("amend", "State other terms for what a teacher answered so far");
  amend->add_option("-c,--corpus", flags->corpus, "Corpus to amend")->capture_default_str();
  amend->add_option("-t,--teacher", flags->teacher, "Profile whose answers are meant")->required();
  amend->add_option("--may-train", flags->may_train, "What these terms allow: yes, no or unknown")
      ->required()
      ->check(CLI::IsMember({"yes", "no", "unknown"}));
  amend->add_option("--licence", flags->terms.licence, "Licence of the outputs");
  amend->add_option("--terms-url", flags->terms.terms_url, "Where the terms are written");
  amend->add_option("--terms-checked", flags->terms.terms_checked, "When a person read them: 2026-11-22");
  amend->add_option("--condition", flags->terms.conditions, "A condition, such as attribution (repeatable)");
  amend->add_option("--because", flags->because, "Who says so, when, and where it is written")->required();
  amend->footer(
      "Example:\n  retort terms amend -t r1 --may-train yes --licence MIT --because 'J. Doe read the licence, "
      "2026-11-22'");
  command->footer(
      "Example:\n  retort terms amend -t r1 --may-train yes --licence MIT --because 'J. Doe read the licence, "
      "2026-11-22'");
  amend->callback([flags, &action] { action = [flags](Edges& edges) { return run_amend(edges, *flags); }; });
}

}  // namespace retort
