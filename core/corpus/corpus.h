// The ports to the corpus. `HarvestLog` is what a running harvest needs: submissions in,
// completions out, as a transport does it, so that the event loop never waits for a disk.
// `CorpusReader` is for commands that may wait.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "core/base/result.h"
#include "core/corpus/care.h"
#include "core/corpus/curation.h"
#include "core/corpus/records.h"

namespace retort {

/// Looks the requests up, or adds them as pending. Completes with where each stands.
struct Register {
  std::vector<RequestSpec> requests;
  bool with_answers = false;  ///< tell also what the answered ones were answered
};
/// Puts attempts on record as `unsent`. Once complete (durable), they may be sent at any time.
struct Begin {
  std::vector<AttemptStart> attempts;
};
/// These have just been handed to the network.
struct MarkSent {
  std::vector<RowId> attempts;
  WallTime at;
  std::vector<std::string> endpoints = {};  ///< of a teacher with several: where each was sent; else empty
};
/// Begun, but not needed now: a clean stop leaves nothing `unsent` behind.
struct Release {
  std::vector<RowId> attempts;
};
/// Records how attempts ended, with raw bodies and responses.
struct End {
  std::vector<AttemptEnd> attempts;
};

using LogEntry = std::variant<Register, Begin, MarkSent, Release, End>;

struct Registered {
  std::vector<RequestState> states;   ///< in the order of the submission
  std::vector<RequestSpec> requests;  ///< the submission itself, given back
};
struct Begun {
  std::vector<RowId> attempts;  ///< in the order of the submission
};
struct Ended {
  std::vector<RowId> attempts;                        ///< these answers are durable
  std::vector<std::pair<RowId, RowId>> answers = {};  ///< request and the response that is now its answer
};
/// The disk or the file failed: nothing submitted after the last completion is known to be stored. A full disk is
/// tried again by retry(); anything else ends this log (a failed fsync is never repeated as if it had worked).
struct LogFailed {
  Error error;
  bool retryable = false;
};

using LogEvent = std::variant<Registered, Begun, Ended, LogFailed>;

class HarvestLog {
 public:
  virtual ~HarvestLog() = default;

  /// Queues one entry. Never blocks. Entries are committed in order, many in one transaction.
  virtual void submit(LogEntry entry) = 0;

  /// What completed since the last call, in order. MarkSent and Release complete silently.
  virtual std::vector<LogEvent> completions() = 0;

  /// After a retryable LogFailed: commits once more everything that is still held.
  virtual void retry() = 0;

  /// Commits what is queued, writes the end of the run and closes; may wait for the disk. Destruction without close()
  /// is a crash on purpose: what is queued is dropped and the run has no end.
  virtual Result<void> close(const RunEnd& end) = 0;
};

/// What an unclean end of an earlier run left behind, found at opening.
struct Recovery {
  std::int64_t delivery_unknown = 0;  ///< attempts that were sent, or may have been, and have no outcome
};

struct HarvestSession {
  std::unique_ptr<HarvestLog> log;
  Recovery recovery;
};

/// Counts that `status` and the reports print.
struct CorpusSummary {
  struct TeacherLine {
    TeacherIdentity teacher;
    Terms rights;
    std::int64_t requests = 0, answered = 0, pending = 0, failed = 0;
    std::int64_t truncated = 0, refused_answers = 0;
    Tokens input = 0, output = 0, reasoning = 0;
    Usd cost;
  };
  std::int64_t prompts = 0, source_rows = 0, responses = 0;
  std::vector<TeacherLine> teachers;
  std::vector<std::pair<std::string, std::int64_t>> attempts;  ///< outcome → count
  std::vector<std::pair<std::string, std::int64_t>> errors;  ///< error word → count, of requests that failed for good
  std::int64_t possibly_billed = 0;                          ///< attempts without a response that may have cost money
  std::int64_t runs = 0;
  Usd cost;
};

class CorpusReader {
 public:
  virtual ~CorpusReader() = default;
  virtual Result<CorpusSummary> summary() = 0;
  /// Errc::usage if there is no such response.
  virtual Result<Pair> pair(RowId response) = 0;
  /// The next pairs of the view `all` (answered and not truncated) after a response id, ascending, at most `limit`.
  /// Short steps, so that no long read holds the WAL open.
  virtual Result<std::vector<Pair>> pairs_after(RowId after, std::size_t limit) = 0;
  /// The newest response id: freezes a view while a harvest goes on.
  virtual Result<RowId> newest_response() = 0;
  /// The newest tombstone's id, 0 if nothing was forgotten.
  virtual Result<RowId> newest_tombstone() = 0;
  /// Of that response, in order; none if it has none.
  virtual Result<std::vector<TokenLogprob>> logprobs(RowId response) = 0;
  virtual Result<std::vector<Permission>> permissions() = 0;
  /// Where the request of that identity stands, with its newest answer, whatever its role; nothing if it was never
  /// registered.
  virtual Result<std::optional<RequestState>> state_of(const std::string& request_digest) = 0;
  /// Over the whole corpus.
  virtual Result<Spent> spent() = 0;
  /// Of that teacher's newest attempts; all zero if it was never asked.
  virtual Result<Experience> experience(const TeacherIdentity& teacher) = 0;

  /// The newest view of that name; nothing if there is none. `all` is no stored view.
  virtual Result<std::optional<ViewRecord>> view(const std::string& name) = 0;
  /// A view as a manifest names it, also one that a newer one of its name has replaced.
  virtual Result<std::optional<ViewRecord>> view_of_digest(const std::string& name, const std::string& digest) = 0;
  /// The newest of each name, by name.
  virtual Result<std::vector<ViewRecord>> views() = 0;
  /// The next places of a stored view after a position, ascending, at most `limit`; of one part, or of all if empty.
  virtual Result<std::vector<ViewPair>> view_pairs_after(RowId view, std::int64_t after, const std::string& part,
                                                         std::size_t limit) = 0;
  /// How many samples prompts were asked for, of all teachers together: the next prompts after an id, ascending.
  virtual Result<std::vector<std::pair<RowId, int>>> samples_after(RowId prompt, std::size_t limit) = 0;
  /// The next wanted prompts, the likeliest to gain first, after that one (null: from the start), at most `limit`.
  virtual Result<std::vector<WantedPrompt>> wanted_after(const Want* last, std::size_t limit) = 0;
  /// What a stage said about the pairs, by teacher, fields and label, in that order; nothing that it was not asked.
  virtual Result<std::vector<LabelCount>> label_counts(const LabelsWanted& wanted) = 0;
  /// The answers in which a prompt with that text stands as one that a teacher made.
  virtual Result<std::vector<Maker>> makers_of(const std::string& text_digest) = 0;
  /// What each run cost, in order.
  virtual Result<std::vector<RunRecord>> runs() = 0;
  /// What the view left out of that response, or nothing.
  virtual Result<std::optional<ViewDrop>> dropped(RowId view, RowId response) = 0;
};

/// Opens corpora. Each call checks the file: no SQLite file, another program's, or of a newer version: Errc::corpus.
class CorpusOpener {
 public:
  virtual ~CorpusOpener() = default;

  /// For a harvest: creates the file if absent, takes the one writer's lock (held until the log is destroyed),
  /// settles what a crash left, records the teacher and the run. `wake` is called from another thread
  /// whenever completions wait.
  virtual Result<HarvestSession> harvest(const std::string& path, const TeacherIdentity& teacher, const Terms& terms,
                                         const RunStart& run, std::function<void()> wake) = 0;
  virtual Result<std::unique_ptr<CorpusReader>> read(const std::string& path) = 0;

  /// Appends to the list of runs what a command other than harvest did with the corpus.
  virtual Result<void> record(const std::string& path, const RunStart& run, const RunEnd& end,
                              const std::vector<Permission>& permissions) = 0;

  /// For `curate`: a run that writes labels and views, also while a harvest runs. Destruction without close() is a
  /// crash on purpose: the run has no end, and labels that were put stay.
  virtual Result<std::unique_ptr<CurationLog>> curate(const std::string& path, const RunStart& run) = 0;

  /// From now on other terms hold for what that profile answered so far. Appends: what was obtained keeps its row, and
  /// who says so and why stays. The responses covered; Errc::usage if there is no such profile.
  virtual Result<std::int64_t> amend_terms(const std::string& path, const std::string& teacher, const Terms& terms,
                                           const std::string& statement, const RunStart& run) = 0;

  /// Reads everything, in bounded memory, and changes nothing; also while a harvest runs. `tell` hears each finding. A
  /// damaged corpus is a success with findings.
  virtual Result<Checkup> check(const std::string& path, const IdentityDigests& digests,
                                const std::function<void(const Finding&)>& tell) = 0;

  /// The corpus as it is at one instant, also while a harvest runs, as a new file: there whole or not at all. Its size
  /// in bytes. Errc::usage if `copy` exists, Errc::interrupted once `stopped` says so.
  virtual Result<std::int64_t> snapshot(const std::string& path, const std::string& copy,
                                        const std::function<bool()>& stopped) = 0;

  /// Erases content from the file for good and leaves tombstones; takes the one writer's lock meanwhile. What was (or
  /// with `dry_run`, would be) forgotten. Errc::usage for a response that is not there.
  virtual Result<std::vector<ForgottenPrompt>> forget(const std::string& path, const ToForget& what,
                                                      const RunStart& run, bool dry_run) = 0;

  /// Reads every stored body again and sets right what says something else now, with a note of what it was; takes the
  /// one writer's lock meanwhile (with `dry_run` it only tells). Bounded memory, some bodies a transaction.
  virtual Result<Redecoding> decode(const std::string& path, const Decode& decode, const RunStart& run, bool dry_run,
                                    const std::function<void(const Redecoded&)>& tell,
                                    const std::function<bool()>& stopped) = 0;
};

}  // namespace retort
