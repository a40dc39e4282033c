// `retort snapshot`: a consistent copy of a corpus, also while a harvest fills it.
#include "cli/command.h"
#include "cli/terminal.h"

namespace retort {
namespace {

struct SnapshotFlags {
  std::string corpus = "corpus.db";
  std::string output;
};

Result<int> run_snapshot(Edges& edges, const SnapshotFlags& flags) {
  on_interrupt([] {});  // a signal ends the copying between two steps, so that nothing is left behind
  const auto bytes = edges.corpora.snapshot(flags.corpus, flags.output, interrupted);
  if (!bytes) return fail(bytes.error());
  say("retort: " + visible_line(flags.output) + ": a copy of " + visible_line(flags.corpus) + ", " +
      with_commas(*bytes) + " bytes");
  return 0;
}

}  // namespace

void add_snapshot(CLI::App& app, Action& action) {
  auto flags = std::make_shared<SnapshotFlags>();
  CLI::App* command = app.add_subcommand("snapshot", "A consistent copy of a corpus, also during a harvest");
  command->add_option("-c,--corpus", flags->corpus, "Corpus to copy")->capture_default_str();
  command->add_option("-o,--output", flags->output, "The copy; must not exist")->required();
  command->footer("Example:\n  retort snapshot -c corpus.db -o corpus-2026-11-22.db");
  command->callback([flags, &action] { action = [flags](Edges& edges) { return run_snapshot(edges, *flags); }; });
}

}  // namespace retort
