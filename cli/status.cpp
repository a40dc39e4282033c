// `retort status`: where a corpus stands, what it holds, what it really cost.
#include <unistd.h>

#include "cli/batch.h"
#include "cli/command.h"
#include "cli/terminal.h"

namespace retort {
namespace {

struct StatusFlags {
  std::string corpus = "corpus.db";
  bool json = false;
};

const char* may_train_word(const Terms& terms) {
  if (!terms.outputs_may_train) return "unknown";
  return *terms.outputs_may_train ? "yes" : "no";
}

Json counts(const std::vector<std::pair<std::string, std::int64_t>>& list) {
  Json result = Json::object();
  for (const auto& [name, count] : list) result[name] = count;
  return result;
}

Json as_json(const CorpusSummary& summary, const UnderWay& batches) {
  Json teachers = Json::array();
  for (const CorpusSummary::TeacherLine& line : summary.teachers) {
    teachers.push_back({{"name", line.teacher.name},
                        {"dialect", line.teacher.dialect},
                        {"base_url", line.teacher.base_url},
                        {"model", line.teacher.model},
                        {"vendor", line.teacher.vendor},
                        {"licence", line.rights.licence},
                        {"conditions", line.rights.conditions},
                        {"outputs_may_train", may_train_word(line.rights)},
                        {"requests", line.requests},
                        {"answered", line.answered},
                        {"pending", line.pending},
                        {"failed", line.failed},
                        {"truncated", line.truncated},
                        {"refusals", line.refused_answers},
                        {"input_tokens", line.input},
                        {"output_tokens", line.output},
                        {"reasoning_tokens", line.reasoning},
                        {"cost_usd", line.cost.dollars()}});
  }
  return {{"prompts", summary.prompts},
          {"source_rows", summary.source_rows},
          {"responses", summary.responses},
          {"teachers", std::move(teachers)},
          {"attempts", counts(summary.attempts)},
          {"errors", counts(summary.errors)},
          {"in_batches", batches.requests},
          {"possibly_billed", summary.possibly_billed},
          {"runs", summary.runs},
          {"cost_usd", summary.cost.dollars()}};
}

void print_teachers(const CorpusSummary& summary, const Palette& palette) {
  using Align = Table::Align;
  Table asked({{"teacher"},
               {"model"},
               {"asked", Align::right},
               {"answered", Align::right},
               {"pending", Align::right},
               {"failed", Align::right},
               {"cut", Align::right},
               {"refusals", Align::right},
               {"tokens in", Align::right},
               {"tokens out", Align::right},
               {"cost", Align::right}});
  Table rights({{"teacher"}, {"may train"}, {"licence"}, {"conditions"}});
  for (const CorpusSummary::TeacherLine& line : summary.teachers) {
    asked.add({line.teacher.name, line.teacher.model, with_commas(line.requests), with_commas(line.answered),
               with_commas(line.pending), with_commas(line.failed), with_commas(line.truncated),
               with_commas(line.refused_answers), with_commas(line.input), with_commas(line.output),
               as_dollars(line.cost)});
    std::string conditions;
    for (const std::string& condition : line.rights.conditions)
      conditions += (conditions.empty() ? "" : ", ") + condition;
    const std::string may = line.rights.outputs_may_train ? may_train_word(line.rights) : "UNKNOWN";
    rights.add({line.teacher.name, may, line.rights.licence.empty() ? "-" : line.rights.licence,
                conditions.empty() ? "-" : conditions});
  }
  const auto print = [&palette](const Table& table, const auto& marked) {
    const std::vector<std::string> lines = table.lines();
    print_line("");
    print_line(palette.bold(lines.front()));
    for (std::size_t i = 1; i < lines.size(); ++i) print_line(marked(lines[i], i - 1));
  };
  print(asked, [](const std::string& line, std::size_t) { return line; });
  print(rights, [&](const std::string& line, std::size_t i) {
    const auto& may = summary.teachers[i].rights.outputs_may_train;
    return !may ? palette.yellow(line) : *may ? line : palette.red(line);
  });
}

void print_counts(const std::string& title, const std::vector<std::pair<std::string, std::int64_t>>& list) {
  std::string line;
  for (const auto& [name, count] : list)
    line += (line.empty() ? "" : ", ") + visible_line(name) + " " + with_commas(count);
  if (!line.empty()) print_line(title + line);
}

void print_status(const StatusFlags& flags, const CorpusSummary& summary, const UnderWay& batches) {
  const Palette palette(STDOUT_FILENO);
  print_line(palette.bold(visible_line(flags.corpus)) + ": " + with_commas(summary.prompts) + " prompts from " +
             with_commas(summary.source_rows) + " rows, " + with_commas(summary.responses) + " responses");
  if (!summary.teachers.empty()) print_teachers(summary, palette);
  print_line("");
  print_counts("attempts         ", summary.attempts);
  print_counts("failed for good  ", summary.errors);
  if (batches.requests > 0)
    print_line("in batches       " + with_commas(batches.requests) + " asked, not answered yet (retort batch status)");
  if (summary.possibly_billed > 0) {
    print_line(
        palette.yellow("possibly billed  " + with_commas(summary.possibly_billed) + " attempts without an answer"));
  }
  print_line("cost             " + as_dollars(summary.cost) + " over all " + with_commas(summary.runs) +
             (summary.runs == 1 ? " run" : " runs"));
}

Result<int> run_status(Edges& edges, const StatusFlags& flags) {
  const auto reader = edges.corpora.read(flags.corpus);
  if (!reader) return fail(reader.error());
  const auto summary = reader.value()->summary();
  if (!summary) return fail(summary.error());
  const auto batches = under_way(flags.corpus);
  if (!batches) return fail(batches.error());
  if (flags.json) {
    print_line(visible_json(dump_json(as_json(*summary, *batches))));
  } else {
    print_status(flags, *summary, *batches);
  }
  return 0;
}

}  // namespace

void add_status(CLI::App& app, Action& action) {
  auto flags = std::make_shared<StatusFlags>();
  CLI::App* command = app.add_subcommand("status", "Where a corpus stands: prompts, answers, terms, tokens, cost");
  command->add_option("-c,--corpus", flags->corpus, "Corpus to read")->capture_default_str();
  command->add_flag("--json", flags->json, "One line of JSON instead of tables");
  command->footer("Example:\n  retort status -c corpus.db\n  retort status -c corpus.db --json");
  command->callback([flags, &action] { action = [flags](Edges& edges) { return run_status(edges, *flags); }; });
}

}  // namespace retort
