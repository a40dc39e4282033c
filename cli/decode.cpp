// `retort decode`: what was paid for, read again by today's decoders.
#include <map>

#include "cli/command.h"
#include "cli/config.h"
#include "cli/run_record.h"
#include "cli/terminal.h"
#include "core/base/text.h"

namespace retort {
namespace {

struct DecodeFlags {
  std::string corpus = "corpus.db";
  std::string config;
  bool dry_run = false, json = false;
};

/// The decoders of a corpus' teachers, made as they are met. A profile says how its server departs from the dialect.
class Decoders {
 public:
  explicit Decoders(std::optional<Configuration> configuration) : configuration_(std::move(configuration)) {}

  Reread read(const StoredReply& reply) {
    const Teacher* teacher = of(reply.teacher);
    if (!teacher) return {{}, false, "unknown dialect"};
    HttpHead head{reply.status, {}};
    for (const auto& [name, value] : reply.headers.items()) {
      if (value.is_string()) head.headers.emplace_back(name, value.get<std::string>());
    }
    Reply decoded = teacher->decode(head, reply.body);
    if (auto* answer = std::get_if<Answer>(&decoded)) {
      if (answer->choices.size() == 1) answer->choices.front().usage = answer->usage;
      return {std::move(answer->choices), false, {}};
    }
    auto& rejection = std::get<Rejection>(decoded);
    if (rejection.partial) return {{std::move(*rejection.partial)}, true, rejection.word};
    return {{}, false, rejection.word};
  }

 private:
  const Teacher* of(const TeacherIdentity& identity) {
    const std::string key = identity.name + "\n" + identity.dialect + "\n" + identity.model;
    const auto known = teachers_.find(key);
    if (known != teachers_.end()) return known->second.get();
    TeacherSettings settings;
    if (configuration_) {
      const auto profile = configuration_->teachers.find(identity.name);
      if (profile != configuration_->teachers.end()) settings = profile->second.settings;
    }
    settings.base_url = identity.base_url;
    settings.model = identity.model;
    Result<std::unique_ptr<Teacher>> made = make_teacher(identity.dialect, std::move(settings));
    return teachers_.emplace(key, made ? std::move(*made) : nullptr).first->second.get();
  }

  std::optional<Configuration> configuration_;
  std::map<std::string, std::unique_ptr<Teacher>> teachers_;
};

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& one : words) text += (text.empty() ? "" : ", ") + one;
  return text;
}

void print_one(const Redecoded& one, bool json) {
  if (json) {
    print_line(visible_json(dump_json({{"attempt", one.attempt},
                                       {"response", one.response ? Json(one.response) : Json()},
                                       {"changed", one.changed},
                                       {"note", one.note}})));
    return;
  }
  std::string line = "attempt " + std::to_string(one.attempt);
  if (one.response) line += ", response " + std::to_string(one.response);
  line += ": " + joined(one.changed);
  if (!one.note.empty()) line += (one.changed.empty() ? "" : ": ") + one.note;
  print_line(visible_line(line));
}

Result<int> run_decode(Edges& edges, const DecodeFlags& flags) {
  std::optional<Configuration> configuration;
  Result<Configuration> loaded = load_configuration(flags.config);
  if (!loaded && !flags.config.empty()) return fail(loaded.error());
  if (loaded) configuration = std::move(*loaded);
  Decoders decoders(std::move(configuration));
  on_interrupt([] {});
  const Result<Redecoding> result = edges.corpora.decode(
      flags.corpus, [&](const StoredReply& reply) { return decoders.read(reply); },
      run_start(edges, "decode", Json::object()), flags.dry_run,
      [&](const Redecoded& one) { print_one(one, flags.json); }, interrupted);
  if (!result) return fail(result.error());
  say(with_commas(result->bodies) + " bodies read again: " + with_commas(result->changed) +
      (flags.dry_run ? " responses would change, " : " responses changed, ") + with_commas(result->unchanged) +
      " stay as they are, " + with_commas(result->recovered) + " answers recovered, " +
      with_commas(result->unreadable) + " no longer readable (left alone)");
  return 0;
}

}  // namespace

void add_decode(CLI::App& app, Action& action) {
  auto flags = std::make_shared<DecodeFlags>();
  CLI::App* command = app.add_subcommand("decode", "Decode the stored raw responses again, with today's decoders");
  command->add_option("-c,--corpus", flags->corpus, "Corpus to read again")->capture_default_str();
  command->add_option("--config", flags->config, "Configuration with the teachers' profiles");
  command->add_flag("--dry-run", flags->dry_run, "Only show what would change");
  command->add_flag("--json", flags->json, "A line of JSON for each response that changes");
  command->footer("Example:\n  retort decode -c corpus.db --dry-run\n  retort decode -c corpus.db");
  command->callback([flags, &action] { action = [flags](Edges& edges) { return run_decode(edges, *flags); }; });
}

}  // namespace retort
