// What each entry of a harvest's log means in SQL. No threads and no transactions here: those are HarvestLog's.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <unordered_map>

#include "core/base/clock.h"
#include "core/corpus/corpus.h"
#include "storage/compression.h"
#include "storage/connection.h"

namespace retort {

/// Whom a harvest asks, as rows of the corpus.
struct HarvestIds {
  RowId run = 0;
  RowId teacher = 0;
  RowId terms = 0;
  std::string role = {};  ///< of what is asked, see RunStart
};

/// Between open calls of a transaction by its owner; one thread at a time.
class EntryWriter {
 public:
  EntryWriter(Connection& connection, const Clock& clock, const TeacherIdentity& teacher, HarvestIds ids)
      : connection_(connection), clock_(clock), teacher_(teacher), ids_(ids) {}

  /// Before the first entry of every transaction, also of one that is tried again.
  void begin();
  /// Writes one entry; the event to publish once it is durable, or nothing for entries that complete silently.
  Result<std::optional<LogEvent>> write(const LogEntry& entry);
  /// After the last entry of a transaction, before its commit.
  Result<void> finish();

 private:
  using Written = Result<std::optional<LogEvent>>;
  Written write_entry(const Register& entry);
  Written write_entry(const Begin& entry);
  Written write_entry(const MarkSent& entry);
  Written write_entry(const Release& entry);
  Written write_entry(const End& entry);

  /// A prompt's row, and whether it was just made: then nothing refers to it yet.
  struct PromptId {
    RowId id = 0;
    bool is_new = false;
  };
  /// What is known of a question; request 0: nothing is.
  struct Known {
    RequestState state;
    RowId prompt = 0;
    bool unchanged = false;   ///< where it comes from stands in the corpus as it is
    bool other_role = false;  ///< was asked for the ends of retort itself, and is harvested now
  };
  Result<RequestState> look_up_or_add(const RequestSpec& spec);
  /// The question's row by its digest; with `request`, only if it is that row.
  Result<Known> known_as(const RequestSpec& spec, const std::optional<std::string>& metadata,
                         std::optional<RowId> request);
  Result<RequestState> add(const RequestSpec& spec, const std::optional<std::string>& metadata);
  Result<RequestState> insert(const RequestSpec& spec, PromptId prompt, const std::optional<std::string>& metadata);
  static RequestState forgotten(RowId request);
  Result<std::optional<KnownAnswer>> answer_of(RowId request);
  Result<bool> is_forgotten(RowId prompt);
  Result<PromptId> prompt_row(const RequestSpec& spec);
  Result<void> add_source_row(RowId prompt, const PromptRow& row, const std::optional<std::string>& metadata);
  Result<void> mend_source_row(RowId prompt, const PromptRow& row, const std::optional<std::string>& metadata);
  Result<void> write_end(const AttemptEnd& end, Ended& ended);
  Result<void> write_raw(const AttemptEnd& end);
  /// What an attempt left of one of the requests that it served.
  Result<void> write_share(const AttemptEnd& end, RowId request, RequestStatus status,
                           const std::optional<Response>& response, const std::string& ended_at, Ended& ended);
  Result<RowId> write_response(const AttemptEnd& end, RowId request, const Response& answer,
                               const std::string& ended_at);
  Result<void> write_logprobs(RowId response, const std::vector<TokenLogprob>& tokens);
  const std::string& valid_source(const std::string& source);

  Connection& connection_;
  const Clock& clock_;
  TeacherIdentity teacher_;
  HarvestIds ids_;
  Compressor compressor_;

  /// Marks of this transaction that no End has overtaken yet: an attempt that ends in the transaction in which it is
  /// marked as sent is written once.
  std::unordered_map<RowId, WallTime> marks_;
  /// The prompt registered last: the samples of a prompt follow each other.
  std::string last_prompt_digest_;
  RowId last_prompt_ = 0;
  bool expects_new_ = true;  ///< the last question was a new one
  /// The known question looked up last. A source that is read again names its questions in the order of their rows:
  /// the next row is looked at first, which spares a million random reads of the index of digests.
  RowId last_known_ = 0;
  bool in_order_ = false;
  /// The parameters named last, and their text.
  Json last_parameters_;
  std::string last_parameters_text_;
  /// The source named last, and its name as valid UTF-8.
  std::string last_source_, last_source_valid_;
};

/// About how much memory an entry holds: the measure of a log's backlog.
std::size_t bytes_of(const LogEntry& entry);

}  // namespace retort
