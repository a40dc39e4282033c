// What the corpus lacks: turns prompt rows into requests, learns from the corpus which are still open, and hands
// them out, each once. Bounded, whatever the number of prompts.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <unordered_set>
#include <utility>
#include <vector>

#include "core/corpus/corpus.h"
#include "core/harvest/harvester.h"
#include "core/teacher/identity.h"

namespace retort {

/// A request that wants an answer.
struct Work {
  RowId request = 0;
  std::vector<RowId> also = {};  ///< requests of the same question, asked together: server-side n
  Question question;
  int attempts_charged = 0;
  int timeouts = 0;
  int invalid_answers = 0;
  bool tried = false;  ///< this run or an earlier one asked before
  int failed_at = -1;  ///< of a fleet: the endpoint that failed it last
  /// With follow-ups: what it came from (without messages and parameters, which the question has).
  std::shared_ptr<const RequestSpec> origin = {};
};

/// Whether a request that stands so is asked: if it is open, or if the settings ask for its kind again.
bool wants_answer(const RequestState& state, const HarvestSettings& settings);

/// The request that goes on from an answer to `messages`, unless the script is over or there is nothing to go on from.
std::optional<RequestSpec> next_turn(const RequestSpec& origin, const Messages& messages, const Json& parameters,
                                     const KnownAnswer& answer, const HarvestSettings& settings);

class Planner {
 public:
  Planner(const HarvestSettings& settings, HarvestStats& stats);

  /// One row becomes `samples` requests: its own number, or the settings'.
  void add_row(PromptRow row);
  /// True while another row may be added: what is planned and not finished is bounded.
  bool has_room() const { return planned_ < planned_max_; }

  /// The next batch to look up in the corpus, if one is due. With `flush`, a partial batch is due as well.
  std::optional<Register> next_lookup(bool flush);
  void looked_up(Registered result);

  /// Work that is due, retries first, so that an old row does not starve behind a million fresh ones.
  std::optional<Work> take(Instant now);
  void retry_later(Work work, Instant due);
  /// The request was answered: if the script goes on and the answer lets it, plans the next turn.
  void follow_up(const RequestSpec& origin, const Messages& messages, const Json& parameters,
                 const KnownAnswer& answer);
  /// The request is answered or failed, durably: a later row with the same identity is a matter of the corpus again.
  void finished(RowId request);

  Instant next_retry() const { return waiting_.empty() ? Instant::never() : waiting_.begin()->first.first; }
  /// Nothing is planned, looked up or waiting here (work handed out by take() counts until finished()).
  bool idle() const { return planned_ == 0; }
  std::int64_t planned() const { return planned_; }

 private:
  /// How each sample of a prompt is asked.
  struct Asking {
    Json parameters;
    RequestDigester digest;
  };
  void prepare(int samples);
  void admit(RequestSpec spec, const RequestState& state);
  bool joins_last(const Work& work, const RequestSpec& spec) const;

  const HarvestSettings& settings_;
  HarvestStats& stats_;
  std::int64_t planned_ = 0;
  std::int64_t planned_max_;
  std::vector<Asking> askings_;
  std::deque<RequestSpec> collecting_;
  std::size_t looking_up_ = 0;  ///< batches
  std::deque<Work> fresh_;
  std::string last_prompt_;                                    ///< digest of the prompt of the newest in fresh_
  std::map<std::pair<Instant, std::uint64_t>, Work> waiting_;  // by due time, ties in order of arrival
  std::uint64_t order_ = 0;
  std::unordered_set<RowId> active_;
};

}  // namespace retort
