// `retort merge`: several corpora become one, and nothing that was paid for is lost on the way.
#include "cli/merge.h"

#include "cli/run_record.h"
#include "cli/terminal.h"
#include "core/teacher/identity.h"

namespace retort {
namespace {

MergeCorpora& joiner() {
  static MergeCorpora merge;
  return merge;
}

struct MergeFlags {
  std::vector<std::string> sources;
  std::string into;
  bool json = false;
};

Json as_json(const MergedSource& one) {
  Json statements = Json::array();
  for (const Permission& statement : one.statements) statements.push_back(statement.statement);
  return {{"source", one.source},         {"prompts", one.prompts},     {"requests", one.requests},
          {"attempts", one.attempts},     {"responses", one.responses}, {"known", one.known},
          {"as_samples", one.as_samples}, {"forgotten", one.forgotten}, {"statements_left_behind", statements}};
}

void tell(const MergedSource& one) {
  std::string line = visible_line(one.source) + ": " + with_commas(one.responses) + " responses to " +
                     with_commas(one.prompts) + " new prompts came in, " + with_commas(one.known) + " were there";
  if (one.as_samples > 0)
    line += "; " + with_commas(one.as_samples) + " second answers to the same request are further samples";
  if (one.forgotten > 0) line += "; " + with_commas(one.forgotten) + " prompts stay forgotten";
  print_line(line);
  for (const Permission& statement : one.statements) {
    say("note: what was stated there counts no more, state it again at export: " + visible_line(statement.statement));
  }
}

Result<int> run_merge(Edges& edges, const MergeFlags& flags) {
  on_interrupt([] {});  // a signal ends it between two steps: nothing is half merged
  MergeOrder order;
  order.sources = flags.sources;
  order.into = flags.into;
  order.digests = {[](const std::string& dialect, const std::string& model, const Messages& messages,
                      const Json& parameters, int sample) {
    return request_digest({dialect, model, messages, parameters, sample});
  }};
  order.run = run_start(edges, "merge", {{"sources", flags.sources}, {"into", flags.into}});
  order.stopped = interrupted;
  const auto merged = joiner()(order);
  if (!merged) return fail(merged.error());
  Json list = Json::array();
  for (const MergedSource& one : *merged) {
    if (flags.json) {
      list.push_back(as_json(one));
    } else {
      tell(one);
    }
  }
  if (flags.json) print_line(visible_json(dump_json({{"into", flags.into}, {"merged", list}})));
  return 0;
}

}  // namespace

void merge_by(MergeCorpora merge) { joiner() = std::move(merge); }

void add_merge(CLI::App& app, Action& action) {
  auto flags = std::make_shared<MergeFlags>();
  CLI::App* command =
      app.add_subcommand("merge", "Join corpora: prompts, requests, attempts, answers with their terms");
  command->add_option("corpora", flags->sources, "Corpora to read")->required();
  command->add_option("--into", flags->into, "Corpus to write: made if it is not there, else it grows")->required();
  command->add_flag("--json", flags->json, "As one line of JSON");
  command->footer("Example:\n  retort merge monday.db tuesday.db --into week.db\n  retort merge b.db --into a.db");
  command->callback([flags, &action] { action = [flags](Edges& edges) { return run_merge(edges, *flags); }; });
}

}  // namespace retort
