// `retort fsck`: is this corpus sound, and if not, what is wrong with it and what to do.
#include <unistd.h>

#include "cli/command.h"
#include "cli/terminal.h"
#include "core/teacher/identity.h"

namespace retort {
namespace {

struct FsckFlags {
  std::string corpus = "corpus.db";
  bool json = false;
};

IdentityDigests identity_digests() {
  return {[](const std::string& dialect, const std::string& model, const Messages& messages, const Json& parameters,
             int sample) {
    return request_digest({dialect, model, messages, parameters, sample});
  }};
}

Json as_json(const Checkup& checkup, Json findings) {
  return {{"sound", !checkup.damaged},    {"version", checkup.version},     {"prompts", checkup.prompts},
          {"requests", checkup.requests}, {"attempts", checkup.attempts},   {"responses", checkup.responses},
          {"bodies", checkup.bodies},     {"findings", std::move(findings)}};
}

Result<int> run_fsck(Edges& edges, const FsckFlags& flags) {
  const Palette palette(STDOUT_FILENO);
  Json findings = Json::array();
  const auto tell = [&](const Finding& finding) {
    if (flags.json) {
      findings.push_back({{"check", finding.check}, {"damage", finding.damage}, {"what", finding.line}});
      return;
    }
    const std::string line = (finding.damage ? "damaged  " : "note     ") + visible_line(finding.line);
    print_line(finding.damage ? palette.red(line) : palette.yellow(line));
  };
  const auto checkup = edges.corpora.check(flags.corpus, identity_digests(), tell);
  if (!checkup) return fail(checkup.error());
  if (flags.json) {
    print_line(visible_json(dump_json(as_json(*checkup, std::move(findings)))));
  } else if (!checkup->damaged) {
    print_line("sound    " + visible_line(flags.corpus) + ": " + with_commas(checkup->prompts) + " prompts, " +
               with_commas(checkup->requests) + " requests, " + with_commas(checkup->attempts) + " attempts, " +
               with_commas(checkup->responses) + " responses, " + with_commas(checkup->bodies) +
               " raw bodies, corpus version " + std::to_string(checkup->version));
  }
  if (!checkup->damaged) return 0;
  return fail(Errc::corpus, flags.corpus + ": is damaged; nothing was changed");
}

}  // namespace

void add_fsck(CLI::App& app, Action& action) {
  auto flags = std::make_shared<FsckFlags>();
  CLI::App* command = app.add_subcommand("fsck", "Check a corpus, and explain what is wrong with it");
  command->add_option("-c,--corpus", flags->corpus, "Corpus to check")->capture_default_str();
  command->add_flag("--json", flags->json, "One line of JSON instead of a line a finding");
  command->footer("Example:\n  retort fsck -c corpus.db");
  command->callback([flags, &action] { action = [flags](Edges& edges) { return run_fsck(edges, *flags); }; });
}

}  // namespace retort
