// What a corpus remembers of batches: questions that were handed to a provider's batch API together, and whose answers
// come hours later, to another process. `BatchLog` is the port by which they are put on record; its calls may wait for
// the disk, since nothing in a batch is in a hurry.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/corpus/corpus.h"
#include "core/corpus/records.h"

namespace retort {

/// A request that is under way in a batch wants nothing of anybody else: instead of a number of charged attempts, its
/// state says so.
constexpr int kUnderWayInBatch = -1;
inline bool is_in_batch(const RequestState& state) { return state.attempts_charged == kUnderWayInBatch; }

/// How far a batch has come, as far as we know for certain.
enum class BatchState {
  planned,    ///< being put together; nothing has left this machine: what ends here leaves no trace
  uploading,  ///< its questions may lie at the provider, but nobody was told to answer them
  creating,   ///< the provider may have been told: a batch that nobody knows the id of may exist and cost money
  submitted,  ///< the provider's id is on record
  collected,  ///< over, and everything that came of it is in the corpus
};

std::string_view word(BatchState state);
/// An unknown word is `submitted`: then the provider is asked before anything is asked again.
BatchState batch_state_of(std::string_view word);

struct BatchRecord {
  RowId id = 0;
  std::string key;  ///< ours: part of every custom_id, by which a batch is known again
  BatchState state = BatchState::planned;
  TeacherIdentity teacher;
  std::int64_t requests = 0;  ///< attempts in it
  std::int64_t open = 0;      ///< of these, without an outcome
  std::int64_t answered = 0;  ///< of these
  std::string provider_id, provider_status, input_file;
  std::string error;  ///< why it came to nothing, or what is in doubt
  WallTime begun;
  std::optional<WallTime> creating;   ///< the last time that the provider was told, or may have been
  std::optional<WallTime> submitted;  ///
  std::optional<WallTime> expires;    ///
  Usd cost;                           ///< of its answers
  Usd reserved;                       ///< for what is open
};

/// What is to be changed; what is unset stays.
struct BatchChange {
  std::optional<BatchState> state = {};
  std::optional<std::string> provider_id = {}, provider_status = {}, input_file = {}, error = {};
  std::optional<WallTime> creating = {}, expires = {};
};

/// An attempt of a batch that has no outcome yet, with what was asked.
struct BatchQuestion {
  RowId attempt = 0;
  RowId request = 0;
  std::vector<RowId> also;  ///< further requests that it serves: server-side n
  Messages messages;
  Json parameters;
  std::optional<std::int64_t> max_tokens;
  int attempts_charged = 0, timeouts = 0, invalid_answers = 0;  ///< of the request, before this attempt
  bool forgotten = false;                                       ///< its prompt is: nothing of it may be sent or stored
};

/// How the attempts of a batch end of which the provider gave no word.
struct BatchRest {
  AttemptOutcome outcome = AttemptOutcome::refused;
  std::string error, detail;
  bool possibly_billed = false;
};

/// Every call is one transaction, durable when it returns. Used by one thread. Destruction without close() is a crash
/// on purpose: the run has no end.
class BatchLog {
 public:
  virtual ~BatchLog() = default;

  /// As a harvest's log does it: where each request stands, those of other batches included.
  virtual Result<Registered> look_up(Register entry) = 0;
  /// A new batch, planned.
  virtual Result<RowId> open(const std::string& key) = 0;
  /// Puts attempts on record as part of a planned batch: from now on their requests are under way.
  virtual Result<std::vector<RowId>> begin(RowId batch, const std::vector<AttemptStart>& attempts) = 0;
  virtual Result<void> change(RowId batch, const BatchChange& change) = 0;
  /// Those of every teacher, in order.
  virtual Result<std::vector<BatchRecord>> batches() = 0;
  /// The next open questions after an attempt, ascending, at most `limit`.
  virtual Result<std::vector<BatchQuestion>> questions_after(RowId batch, RowId after, std::size_t limit) = 0;
  /// Nothing if there is no such attempt in this batch, or if it has its outcome.
  virtual Result<std::optional<BatchQuestion>> question(RowId batch, RowId attempt) = 0;
  /// Records how attempts ended, with raw bodies and responses: their requests are no longer under way.
  virtual Result<void> end(const std::vector<AttemptEnd>& attempts) = 0;
  /// The batch is over: it is collected, and what has no outcome gets this one, its requests pending again. How many.
  virtual Result<std::int64_t> finish(RowId batch, const BatchRest& rest) = 0;
  /// Over the whole corpus.
  virtual Result<Spent> spent() = 0;
  /// Ends the run.
  virtual Result<void> close(const RunEnd& end) = 0;
};

/// Opens corpora for their batches.
class BatchCorpora {
 public:
  virtual ~BatchCorpora() = default;

  /// As CorpusOpener::harvest(), for questions that are answered together and later.
  virtual Result<std::unique_ptr<BatchLog>> batch(const std::string& path, const TeacherIdentity& teacher,
                                                  const Terms& terms, const RunStart& run) = 0;
  /// All batches of a corpus, in order; also while somebody writes to it.
  virtual Result<std::vector<BatchRecord>> batches(const std::string& path) = 0;
};

}  // namespace retort
