// `retort import`: pairs made elsewhere. They come in as answers of a teacher whose terms are unknown until somebody
// states them.
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <mutex>
#include <unordered_map>

#include "cli/command.h"
#include "cli/options.h"
#include "cli/run_record.h"
#include "cli/terminal.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/export/compression.h"
#include "core/export/import_line.h"
#include "core/parquet/parquet_file.h"
#include "core/teacher/identity.h"

namespace retort {
namespace {

constexpr std::size_t kLinesPerStep = 256;

struct ImportFlags {
  std::vector<std::string> files;
  std::string corpus = "corpus.db", may_train = "unknown";
  TeacherIdentity teacher{"import", "import", "", "", ""};
  Terms terms;
};

struct Line {
  RequestSpec spec;
  Response answer;
  std::string raw;
};

struct Counts {
  std::int64_t lines = 0, stored = 0, known = 0;
};

/// The log as this command needs it: a submission, then its completion.
class Importer {
 public:
  Importer(Edges& edges, const ImportFlags& flags) : edges_(edges), flags_(flags) {}

  Result<void> open() {
    auto session = edges_.corpora.harvest(flags_.corpus, flags_.teacher, flags_.terms,
                                          run_start(edges_, "import", {{"teacher", flags_.teacher.name}}), [this] {
                                            const std::lock_guard guard(mutex_);
                                            woken_ = true;
                                            changed_.notify_all();
                                          });
    if (!session) return fail(session.error());
    log_ = std::move(session->log);
    return {};
  }

  Result<void> file(const std::string& path) { return is_parquet(path) ? rows(path) : lines(path); }

  Result<void> lines(const std::string& path) {
    std::ifstream opened;
    if (path != "-") opened.open(path, std::ios::binary);
    std::istream& stream = path == "-" ? std::cin : opened;
    if (!stream) return fail(Errc::usage, "cannot read " + path);
    PackedLines lines([&](char* buffer, std::size_t room) -> Result<std::size_t> {
      stream.read(buffer, static_cast<std::streamsize>(room));
      if (stream.bad()) return fail(Errc::usage, "cannot be read");
      return static_cast<std::size_t>(stream.gcount());
    });
    std::int64_t number = 0;
    std::string text;
    while (true) {
      const auto more = lines.next(text);
      if (!more) {
        return fail(Errc::usage, path + ": after line " + std::to_string(number) + ": " + more.error().message +
                                     ": what stands before it was imported");
      }
      if (!*more) break;
      ++number;
      if (trimmed(text).empty()) continue;
      if (number == 1 && begins_as_parquet(text)) return fail(Errc::usage, path + ": " + kParquetInAPipe);
      if (auto done = line(path, number, std::move(text)); !done) return done;
    }
    return store();
  }

  Result<void> rows(const std::string& path) {
    const auto file = ParquetRows::open(path);
    if (!file) return fail(file.error());
    ParquetRow row;
    for (std::int64_t number = 1;; ++number) {
      const auto more = (*file)->next(row);
      const std::string& problem = more ? row.problem : more.error().message;
      if (!problem.empty()) return stopped_at(path, number, problem);
      if (!*more) return store();
      if (auto done = line(path, number, std::move(row.json)); !done) return done;
    }
  }

  Result<void> close(int code) {
    return log_->close({code, {}, {{"lines", counts_.lines}, {"stored", counts_.stored}, {"known", counts_.known}}});
  }
  Result<void> store() {
    Register registration;
    for (const Line& line : lines_) registration.requests.push_back(line.spec);
    if (registration.requests.empty()) return {};
    auto registered = ask<Registered>(std::move(registration));
    if (!registered) return fail(registered.error());
    Begin begin;
    std::vector<std::size_t> fresh;
    for (std::size_t i = 0; i < lines_.size(); ++i) {
      if (registered->states[i].status == RequestStatus::answered) {
        ++counts_.known;
        continue;
      }
      begin.attempts.push_back({registered->states[i].request, {}, {}});
      fresh.push_back(i);
    }
    if (!fresh.empty()) {
      auto begun = ask<Begun>(std::move(begin));
      if (!begun) return fail(begun.error());
      End end;
      for (std::size_t k = 0; k < fresh.size(); ++k) {
        Line& line = lines_[fresh[k]];
        AttemptEnd one;
        one.attempt = begun->attempts[k];
        one.request = registered->states[fresh[k]].request;
        one.request_status = RequestStatus::answered;
        one.sent_at = edges_.clock.wall();
        one.raw_body = std::move(line.raw);
        one.response = std::move(line.answer);
        end.attempts.push_back(std::move(one));
      }
      auto ended = ask<Ended>(std::move(end));
      if (!ended) return fail(ended.error());
      counts_.stored += static_cast<std::int64_t>(fresh.size());
    }
    lines_.clear();
    return {};
  }
  const Counts& counts() const { return counts_; }

 private:
  static Failure stopped_at(const std::string& path, std::int64_t number, const std::string& problem) {
    return fail(Errc::usage,
                path + ":" + std::to_string(number) + ": " + problem + ": nothing from this line on was imported");
  }

  Result<void> line(const std::string& path, std::int64_t number, std::string text) {
    if (interrupted()) return fail(Errc::interrupted, "stopped: what was stored stays; import again to go on");
    auto pair = imported_pair(text);
    if (!pair) return stopped_at(path, number, pair.error().message);
    add(std::move(*pair), path, number, std::move(text));
    return lines_.size() >= kLinesPerStep ? store() : Result<void>();
  }

  void add(ImportedPair pair, const std::string& path, std::int64_t number, std::string text) {
    ++counts_.lines;
    Line line;
    line.spec.prompt = {path, number, std::move(pair.messages), std::move(pair.reference), std::move(pair.metadata)};
    line.spec.sample = seen_[line.spec.prompt.messages.digest()]++;
    line.spec.parameters = Json::object();
    line.spec.digest = request_digest({flags_.teacher.dialect, flags_.teacher.model, line.spec.prompt.messages,
                                       line.spec.parameters, line.spec.sample});
    line.answer = std::move(pair.answer);
    line.raw = std::move(text);
    lines_.push_back(std::move(line));
  }

  template <class Event>
  Result<Event> ask(LogEntry entry) {
    log_->submit(std::move(entry));
    while (true) {
      for (LogEvent& event : log_->completions()) {
        if (auto* found = std::get_if<Event>(&event)) return std::move(*found);
        if (auto* failed = std::get_if<LogFailed>(&event)) return fail(failed->error);
      }
      std::unique_lock guard(mutex_);
      changed_.wait(guard, [this] { return std::exchange(woken_, false); });
    }
  }

  Edges& edges_;
  const ImportFlags& flags_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool woken_ = false;
  std::unordered_map<std::string, int> seen_;  ///< prompt digest → lines so far
  std::vector<Line> lines_;
  Counts counts_;
  std::unique_ptr<HarvestLog> log_;  ///< last: its thread wakes this object
};

Result<int> run_import(Edges& edges, ImportFlags flags) {
  if (flags.may_train != "unknown") flags.terms.outputs_may_train = flags.may_train == "yes";
  for (const std::string& path : flags.files) {
    if (path == "-") continue;
    if (std::error_code unknown; std::filesystem::is_directory(path, unknown))
      return fail(Errc::usage, "cannot read " + path + ": it is a folder; name a file");
    if (is_parquet(path)) {
      if (auto readable = ParquetRows::open(path); !readable) return fail(readable.error());
    } else if (!std::ifstream(path)) {
      return fail(Errc::usage, "cannot read " + path + ": nothing was imported");
    }
  }
  on_interrupt({});
  Importer importer(edges, flags);
  if (auto opened = importer.open(); !opened) return fail(opened.error());
  Result<void> done;
  for (const std::string& path : flags.files) {
    if (done) done = importer.file(path);
  }
  if (!done && done.error().code == Errc::usage) {
    if (auto rest = importer.store(); !rest) return fail(rest.error());
  }
  if (auto closed = importer.close(done ? 0 : 2); !closed) return fail(closed.error());
  const Counts& counts = importer.counts();
  say(with_commas(counts.stored) + " pairs imported into " + visible_line(flags.corpus) + ", " +
      with_commas(counts.known) + " were there; terms of '" + visible_line(flags.teacher.name) +
      "': may train: " + flags.may_train);
  if (!done) return fail(done.error());
  return 0;
}

}  // namespace

void add_import(CLI::App& app, Action& action) {
  auto flags = std::make_shared<ImportFlags>();
  CLI::App* command = app.add_subcommand("import", "Take in pairs made elsewhere, from the formats that export writes");
  command->add_option("files", flags->files, "JSON lines, also as gzip or zstd, or Parquet; '-' is standard input")
      ->required();
  add_corpus_option(*command, flags->corpus);
  command->add_option("-t,--teacher", flags->teacher.name, "Name under which their teacher is kept")
      ->capture_default_str();
  command->add_option("--model", flags->teacher.model, "Model that answered, if it is known");
  command->add_option("--vendor", flags->teacher.vendor, "Who made that model");
  command->add_option("--may-train", flags->may_train, "What their terms allow: yes, no or unknown")
      ->capture_default_str()
      ->check(CLI::IsMember({"yes", "no", "unknown"}));
  command->add_option("--licence", flags->terms.licence, "Licence of the answers");
  command->add_option("--terms-url", flags->terms.terms_url, "Where the terms are written");
  command->add_option("--condition", flags->terms.conditions, "A condition, such as attribution (repeatable)");
  command->footer(
      "Example:\n  retort import old.jsonl -c corpus.db --teacher old-set --licence Apache-2.0 --may-train yes");
  command->callback([flags, &action] { action = [flags](Edges& edges) { return run_import(edges, *flags); }; });
}

}  // namespace retort
