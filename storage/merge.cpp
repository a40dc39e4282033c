#include "storage/merge.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "core/base/text.h"
#include "storage/corpus_file.h"
#include "storage/forget.h"
#include "storage/harvest_lock.h"
#include "storage/merge_step.h"
#include "storage/runs.h"
#include "storage/sqlite_corpora.h"

namespace retort {
namespace {

// SQLite attaches ten databases at most.
constexpr std::size_t kSourcesMax = 9;

/// A new corpus while it grows; gone, with what SQLite keeps beside it, unless put in its place.
class Unfinished {
 public:
  explicit Unfinished(std::string place)
      : place_(std::move(place)), name_(place_ + ".merging-" + std::to_string(getpid())) {}
  Unfinished(const Unfinished&) = delete;
  Unfinished& operator=(const Unfinished&) = delete;
  ~Unfinished() {
    if (!done_) unlink(name_.c_str());
    for (const char* beside : {"-wal", "-shm", ".lock"}) unlink((name_ + beside).c_str());
  }
  const std::string& name() const { return name_; }
  Result<void> put_in_place() {
    if (renameat2(AT_FDCWD, name_.c_str(), AT_FDCWD, place_.c_str(), RENAME_NOREPLACE) != 0)
      return fail(errno == EEXIST ? Errc::usage : Errc::disk, place_ + ": cannot be made: " + std::strerror(errno));
    done_ = true;
    return {};
  }

 private:
  std::string place_, name_;
  bool done_ = false;
};

Json summary_of(const std::vector<MergedSource>& sources) {
  Json list = Json::array();
  for (const MergedSource& one : sources) {
    Json statements = Json::array();
    for (const Permission& statement : one.statements)
      statements.push_back({{"kind", statement.kind}, {"statement", statement.statement}});
    list.push_back({{"source", one.source},
                    {"prompts", one.prompts},
                    {"requests", one.requests},
                    {"attempts", one.attempts},
                    {"responses", one.responses},
                    {"known", one.known},
                    {"as_samples", one.as_samples},
                    {"forgotten", one.forgotten},
                    {"statements_left_behind", statements}});
  }
  return {{"merged", list}};
}

// What a copy of the first source holds, in the words of a merge. Its statements were made for what it alone held.
Result<MergedSource> adopt(Connection& connection, const std::string& source) {
  MergedSource adopted;
  adopted.source = source;
  Rows counts = connection.query(
      "SELECT (SELECT count(*) FROM prompt), (SELECT count(*) FROM request), (SELECT count(*) FROM attempt), "
      "(SELECT count(*) FROM response)");
  if (counts.next()) {
    adopted.prompts = counts.integer(0);
    adopted.requests = counts.integer(1);
    adopted.attempts = counts.integer(2);
    adopted.responses = counts.integer(3);
  }
  if (auto done = counts.status(); !done) return fail(done.error());
  Rows statements = connection.query("SELECT DISTINCT kind, statement FROM permission ORDER BY 1, 2");
  while (statements.next()) adopted.statements.push_back({statements.text(0), statements.text(1)});
  if (auto done = statements.status(); !done) return fail(done.error());
  if (auto done = connection.run("DELETE FROM permission"); !done) return fail(done.error());
  return adopted;
}

// Answers of a batch come to the corpus that handed it over. Joined with others meanwhile, they would come twice, or to
// a question that has an answer by then.
Result<void> no_batch_under_way(Connection& connection, const std::string& corpus) {
  const auto open = connection.number("SELECT count(*) FROM batch WHERE state NOT IN ('planned', 'collected')");
  if (!open) return fail(open.error());
  if (*open == 0) return {};
  return fail(Errc::corpus, corpus + ": " + std::to_string(*open) + (*open == 1 ? " batch is" : " batches are") +
                                " under way: end this first with retort batch collect --wait, or retort batch cancel");
}

/// The sources that are not the target itself, each at its real place, up to date and written by nobody.
Result<std::vector<std::string>> checked_sources(const std::vector<std::string>& sources, const std::string& into) {
  std::vector<std::string> places;
  for (const std::string& source : sources) {
    const auto place = place_for_reading(source);
    if (!place) return fail(place.error());
    if (*place == into || std::find(places.begin(), places.end(), *place) != places.end()) continue;
    if (HarvestLock::is_held(*place)) {
      return fail(Errc::corpus, source +
                                    ": a harvest is writing to it: end it first, or merge a copy that retort "
                                    "snapshot makes");
    }
    const auto opened = open_for_reading(*place);
    if (!opened) return fail(opened.error());
    if (auto idle = no_batch_under_way(**opened, source); !idle) return fail(idle.error());
    places.push_back(*place);
  }
  if (places.size() > kSourcesMax)
    return fail(Errc::usage, "at most " + std::to_string(kSourcesMax) + " corpora at once: merge in several steps");
  return places;
}

Result<std::vector<MergedSource>> merge_into(Connection& connection, const std::vector<std::string>& sources,
                                             std::size_t adopted, const MergeOrder& order, const Clock& clock) {
  // Erased rows leave no copy behind, and references are checked as a whole at the end.
  if (auto set = connection.script("PRAGMA secure_delete = ON; PRAGMA temp_store = FILE;"); !set)
    return fail(set.error());
  for (std::size_t i = adopted; i < sources.size(); ++i) {
    const std::string name = "source" + std::to_string(i);
    if (auto done = connection.run("ATTACH ? AS ?", sources[i], name); !done) return fail(done.error());
  }
  std::vector<MergedSource> merged;
  const std::string now = to_iso8601(clock.wall());
  Transaction transaction(connection);
  if (auto done = transaction.begin(); !done) return fail(done.error());
  const auto run = add_run(connection, order.run, std::nullopt, now);
  if (!run) return fail(run.error());
  bool erased = false;
  for (std::size_t i = 0; i < sources.size(); ++i) {
    auto one = i < adopted ? adopt(connection, sources[i])
                           : MergeStep(connection, "source" + std::to_string(i), order, now).run(*run);
    if (!one) return fail(one.error());
    one->source = sources[i];
    erased = erased || one->forgotten > 0;
    merged.push_back(std::move(*one));
  }
  if (auto done = end_run(connection, *run, {0, {}, summary_of(merged)}, now); !done) return fail(done.error());
  if (order.stopped()) return fail(Errc::interrupted, "stopped by a signal: nothing was merged");
  if (auto done = transaction.commit(); !done) return fail(done.error());
  for (std::size_t i = adopted; i < sources.size(); ++i) {
    const std::string name = "source" + std::to_string(i);
    if (auto done = connection.run("DETACH ?", name); !done) return fail(done.error());
  }
  if (erased) {
    if (auto done = rewrite_after_forgetting(connection); !done) return fail(done.error());
  }
  return merged;
}

}  // namespace

Result<std::vector<MergedSource>> merge_corpora(const Clock& clock, const MergeOrder& order) {
  const auto place = place_for_writing(order.into);
  if (!place) return fail(place.error());
  const auto sources = checked_sources(order.sources, *place);
  if (!sources) return fail(sources.error());
  if (sources->empty()) return fail(Errc::usage, "there is nothing to merge but " + order.into + " itself");
  const auto lock = HarvestLock::take(*place);
  if (!lock) return fail(lock.error());
  struct stat there {};
  if (stat(place->c_str(), &there) == 0) {
    const auto connection = open_for_writing(*place);
    if (!connection) return fail(connection.error());
    if (auto idle = no_batch_under_way(**connection, order.into); !idle) return fail(idle.error());
    return merge_into(**connection, *sources, 0, order, clock);
  }
  Unfinished unfinished(*place);
  SqliteCorpora corpora(clock);
  if (auto copied = corpora.snapshot(sources->front(), unfinished.name(), order.stopped); !copied)
    return fail(copied.error());
  Result<std::vector<MergedSource>> merged = fail(Errc::internal, "nothing was merged");
  {
    const auto connection = open_for_writing(unfinished.name());
    if (!connection) return fail(connection.error());
    merged = merge_into(**connection, *sources, 1, order, clock);
    if (!merged) return merged;
    if (auto done = (*connection)->checkpoint(Connection::Checkpoint::truncate); !done) return fail(done.error());
  }
  if (auto done = unfinished.put_in_place(); !done) return fail(done.error());
  return merged;
}

}  // namespace retort
