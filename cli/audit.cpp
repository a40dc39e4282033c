// `retort audit`: what the answers of each teacher give away, counted; and which topics it declines.
#include <algorithm>
#include <cmath>
#include <thread>

#include "cli/command.h"
#include "cli/run_record.h"
#include "cli/terminal.h"
#include "core/curate/pipeline/audit_report.h"

namespace retort {
namespace {

struct AuditFlags {
  std::string corpus = "corpus.db", view = "all", by, neutral;
  int threads = 0;
  bool json = false;
};

std::string percent(double share) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f %%", 100 * share);
  return text;
}

std::string points(double difference) {
  char text[32];
  std::snprintf(text, sizeof text, "%+.1f", 100 * difference);
  return text;
}

std::string share_of(std::int64_t count, std::int64_t total) {
  return total == 0 ? "-" : percent(static_cast<double>(count) / static_cast<double>(total));
}

// "OpenAI 3 (not the profile's maker), such as response 17: …"
std::string describe(const std::map<std::string, AuditFinding>& found) {
  std::vector<std::pair<std::string, AuditFinding>> most(found.begin(), found.end());
  std::stable_sort(most.begin(), most.end(),
                   [](const auto& a, const auto& b) { return a.second.pairs > b.second.pairs; });
  std::string text;
  for (const auto& [value, finding] : most) {
    text += (text.empty() ? "" : ", ") + value + " " + with_commas(finding.pairs);
    if (finding.contradicts) text += " (another maker than the profile's)";
  }
  if (!most.empty())
    text += "; response " + std::to_string(most.front().second.example) + ": " + most.front().second.reason;
  return text;
}

void print_lines(const Table& table) {
  for (const std::string& line : table.lines()) print_line("  " + line);
}

void print_found(const TeacherAudit& teacher, const AuditReport& report) {
  using Align = Table::Align;
  Table table({{"audit"}, {"answers", Align::right}, {"share", Align::right}, {"what was found, with an example"}});
  for (std::size_t i = 0; i < report.audits.size(); ++i) {
    std::int64_t found = 0;
    for (const auto& [value, finding] : teacher.found[i]) found += finding.pairs;
    table.add({report.audits[i], with_commas(found), share_of(found, teacher.pairs), describe(teacher.found[i])});
  }
  print_lines(table);
}

void print_by(const TeacherAudit& teacher, const AuditReport& report, const std::string& field) {
  using Align = Table::Align;
  std::vector<Table::Column> columns = {{field}, {"answers", Align::right}};
  for (const std::string& audit : report.audits) columns.push_back({audit, Align::right});
  Table table(columns);
  for (const auto& [value, part] : teacher.by) {
    std::vector<std::string> cells = {value.empty() ? "(none)" : value, with_commas(part.pairs)};
    for (const std::int64_t found : part.found) cells.push_back(found == 0 ? "0" : share_of(found, part.pairs));
    table.add(std::move(cells));
  }
  print_lines(table);
}

void print_topics(const TeacherAudit& teacher, const std::string& field) {
  using Align = Table::Align;
  Table table({{"declined, by " + field},
               {"plainly", Align::right},
               {"", Align::right},
               {"neutrally", Align::right},
               {"", Align::right},
               {"points", Align::right},
               {"interval"},
               {""}});
  for (const TopicContrast& topic : teacher.topics) {
    const TopicCounts& counts = topic.counts;
    const auto of = [](std::int64_t count, std::int64_t total) {
      return with_commas(count) + " of " + with_commas(total);
    };
    table.add({counts.topic, of(counts.plain_refused, counts.plain_total),
               share_of(counts.plain_refused, counts.plain_total), of(counts.neutral_refused, counts.neutral_total),
               share_of(counts.neutral_refused, counts.neutral_total), points(topic.difference),
               points(topic.interval.low) + " to " + points(topic.interval.high), topic.differs ? "differs" : ""});
  }
  print_lines(table);
}

void print(const AuditReport& report, const AuditQuestion& question) {
  const Palette palette(STDOUT_FILENO);
  bool first = true;
  for (const TeacherAudit& teacher : report.teachers) {
    if (!first) print_line("");
    first = false;
    const std::string& model = teacher.teacher.model;  // of an import perhaps unknown
    print_line(palette.bold("teacher " + visible_line(teacher.teacher.name)) +
               (model.empty() ? "" : " (" + visible_line(model) + ")") + ": " + with_commas(teacher.pairs) + " answers");
    print_found(teacher, report);
    if (!question.by.empty()) print_by(teacher, report, question.by);
    if (!question.neutral_field.empty()) print_topics(teacher, question.by);
  }
}

Result<AuditQuestion> question_of(const AuditFlags& flags) {
  AuditQuestion question{flags.view, flags.by, {}, {}};
  if (flags.neutral.empty()) return question;
  const std::size_t equals = flags.neutral.find('=');
  if (equals == std::string::npos || equals == 0 || equals + 1 == flags.neutral.size())
    return fail(Errc::usage, "--neutral " + flags.neutral + ": write FIELD=VALUE, such as phrasing=neutral");
  if (flags.by.empty()) return fail(Errc::usage, "--neutral wants --by FIELD too: the metadata field with the topic");
  question.neutral_field = flags.neutral.substr(0, equals);
  question.neutral_value = flags.neutral.substr(equals + 1);
  return question;
}

Result<int> run_audit(Edges& edges, const AuditFlags& flags) {
  const auto question = question_of(flags);
  if (!question) return fail(question.error());
  auto reader = edges.corpora.read(flags.corpus);
  if (!reader) return fail(reader.error());
  const auto newest = (*reader)->newest_response();
  if (!newest) return fail(newest.error());
  PipelineSettings settings;
  settings.frozen_at = *newest;
  settings.threads =
      flags.threads > 0 ? flags.threads : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  settings.should_stop = [] { return interrupted(); };
  on_interrupt({});
  auto log = edges.corpora.curate(
      flags.corpus,
      run_start(edges, "audit",
                {{"corpus", flags.corpus}, {"view", flags.view}, {"by", flags.by}, {"neutral", flags.neutral}}));
  if (!log) return fail(log.error());
  const auto report = audit_corpus(**reader, **log, *question, std::move(settings));
  if (!report) return fail(report.error());
  const Json json = to_json(*report, *question);
  if (auto closed = (*log)->close({0, {}, json}); !closed) return fail(closed.error());
  if (report->teachers.empty()) say("nothing to audit: " + visible_line(flags.corpus) + " has no answers");
  if (flags.json)
    print_line(visible_json(dump_json(json)));
  else
    print(*report, *question);
  return 0;
}

}  // namespace

void add_audit(CLI::App& app, Action& action) {
  auto flags = std::make_shared<AuditFlags>();
  CLI::App* command =
      app.add_subcommand("audit", "What each teacher's answers give away: refusals, makers, censorship");
  command->add_option("-c,--corpus", flags->corpus, "Corpus to audit")->capture_default_str();
  command->add_option("--view", flags->view, "A stored view of it")->capture_default_str();
  command->add_option("--by", flags->by, "Also for each value of this metadata field: a topic, a language");
  command->add_option(
      "--neutral", flags->neutral,
      "FIELD=VALUE of prompts that ask a topic neutrally: which topics are declined only when asked plainly");
  command->add_option("--threads", flags->threads, "Threads that judge (default: all cores)")
      ->check(CLI::Range(1, 1024));
  command->add_flag("--json", flags->json, "The result as one line of JSON");
  command->footer(
      "Example:\n  retort audit -c corpus.db\n"
      "  retort audit -c corpus.db --by topic --neutral phrasing=neutral");
  command->callback([flags, &action] { action = [flags](Edges& edges) { return run_audit(edges, *flags); }; });
}

}  // namespace retort
