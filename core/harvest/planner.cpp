#include "core/harvest/planner.h"

#include <algorithm>

#include "core/corpus/batch.h"

namespace retort {
namespace {
constexpr std::size_t kLookupBatch = 128;
constexpr std::size_t kLookupsAtOnce = 8;

// What was cut, refused or left unsaid is nothing to go on from.
bool lets_go_on(const KnownAnswer& answer) {
  return !answer.text.empty() && (answer.finish == Finish::stop || answer.finish == Finish::other);
}
}  // namespace

bool wants_answer(const RequestState& state, const HarvestSettings& settings) {
  if (is_in_batch(state)) return false;
  switch (state.status) {
    case RequestStatus::pending:
      return true;
    case RequestStatus::failed:
      return settings.retry_failed;
    case RequestStatus::answered:
      return state.truncated && settings.retry_truncated;
  }
  return true;
}

std::optional<RequestSpec> next_turn(const RequestSpec& origin, const Messages& messages, const Json& parameters,
                                     const KnownAnswer& answer, const HarvestSettings& settings) {
  if (static_cast<std::size_t>(origin.turn) >= settings.follow_ups.size() || !lets_go_on(answer)) return {};
  RequestSpec spec = origin;
  Json conversation = messages.json();
  // What was put into the assistant's mouth is the beginning of its answer.
  std::string said = answer.text;
  if (!conversation.empty() && json_text(conversation.back(), "role") == "assistant") {
    said = json_text(conversation.back(), "content") + said;
    conversation.erase(conversation.size() - 1);
  }
  conversation.push_back({{"role", "assistant"}, {"content", std::move(said)}});
  conversation.push_back({{"role", "user"}, {"content", settings.follow_ups[static_cast<std::size_t>(origin.turn)]}});
  spec.parameters = parameters;
  spec.prompt.messages = Messages(std::move(conversation));
  spec.digest = request_digest({settings.dialect, settings.model, spec.prompt.messages, spec.parameters, spec.sample});
  spec.continues = answer.response;
  ++spec.turn;
  return spec;
}

Planner::Planner(const HarvestSettings& settings, HarvestStats& stats)
    : settings_(settings),
      stats_(stats),
      planned_max_(std::max<std::int64_t>(2048, 2LL * settings.limits.in_flight_max)) {
  prepare(settings.samples);
}

void Planner::prepare(int samples) {
  for (int sample = static_cast<int>(askings_.size()); sample < samples; ++sample) {
    const Json parameters = sample_parameters(settings_.parameters, sample);
    askings_.push_back({parameters, RequestDigester(settings_.dialect, settings_.model, parameters, sample)});
  }
}

void Planner::add_row(PromptRow row) {
  ++stats_.rows;
  const int samples = row.samples > 0 ? row.samples : settings_.samples;
  prepare(samples);
  for (int sample = 0; sample < samples; ++sample) {
    RequestSpec spec;
    const Asking& asking = askings_[static_cast<std::size_t>(sample)];
    spec.parameters = asking.parameters;
    spec.digest = asking.digest(row.messages);
    spec.sample = sample;
    spec.prompt = sample + 1 < samples ? row : std::move(row);
    collecting_.push_back(std::move(spec));
    ++planned_;
  }
}

std::optional<Register> Planner::next_lookup(bool flush) {
  if (collecting_.empty() || looking_up_ >= kLookupsAtOnce) return {};
  // A partial batch goes out only when nothing else is on its way: the disk sets the pace of small batches.
  if (collecting_.size() < kLookupBatch && !flush && looking_up_ > 0) return {};
  const std::size_t count = std::min(collecting_.size(), kLookupBatch);
  Register entry;
  entry.with_answers = !settings_.follow_ups.empty();
  const auto end = collecting_.begin() + static_cast<std::ptrdiff_t>(count);
  entry.requests.assign(std::make_move_iterator(collecting_.begin()), std::make_move_iterator(end));
  collecting_.erase(collecting_.begin(), end);
  ++looking_up_;
  return entry;
}

void Planner::looked_up(Registered result) {
  RETORT_ASSERT(looking_up_ > 0 && result.requests.size() == result.states.size());
  --looking_up_;
  for (std::size_t i = 0; i < result.states.size(); ++i) admit(std::move(result.requests[i]), result.states[i]);
}

void Planner::admit(RequestSpec spec, const RequestState& state) {
  if (active_.count(state.request) != 0) {
    ++stats_.repeated;
  } else if (is_in_batch(state)) {
    // Its answer comes by another way.
  } else if (!wants_answer(state, settings_)) {
    ++(state.status == RequestStatus::answered ? stats_.already_answered : stats_.already_failed);
    if (state.answer) follow_up(spec, spec.prompt.messages, spec.parameters, *state.answer);
  } else {
    const bool again = state.status != RequestStatus::pending;
    active_.insert(state.request);
    Work work;
    work.request = state.request;
    // Asking again on purpose grants the request a full set of attempts.
    work.attempts_charged = again ? 0 : state.attempts_charged;
    work.timeouts = again ? 0 : state.timeouts;
    work.invalid_answers = again ? 0 : state.invalid_answers;
    if (joins_last(work, spec)) {
      fresh_.back().also.push_back(work.request);
      ++fresh_.back().question.choices;
      return;
    }
    last_prompt_ = spec.prompt.messages.digest();
    work.question = {std::move(spec.prompt.messages), std::move(spec.parameters), settings_.max_tokens,
                     settings_.stream};
    if (!settings_.follow_ups.empty()) {
      spec.prompt.messages = Messages();
      spec.parameters = nullptr;
      work.origin = std::make_shared<const RequestSpec>(std::move(spec));
    }
    fresh_.push_back(std::move(work));
    return;
  }
  --planned_;
}

// Samples of one prompt that were never asked, and that nothing tells apart: each with a seed of its own is a request
// of its own.
bool Planner::joins_last(const Work& work, const RequestSpec& spec) const {
  if (!settings_.follow_ups.empty() || fresh_.empty()) return false;
  const Work& last = fresh_.back();
  const auto untried = [](const Work& one) {
    return one.attempts_charged == 0 && one.timeouts == 0 && one.invalid_answers == 0;
  };
  return last.question.choices < settings_.choices_max && untried(last) && untried(work) &&
         spec.prompt.messages.digest() == last_prompt_ && !spec.parameters.contains("seed");
}

void Planner::follow_up(const RequestSpec& origin, const Messages& messages, const Json& parameters,
                        const KnownAnswer& answer) {
  if (auto spec = next_turn(origin, messages, parameters, answer, settings_)) {
    collecting_.push_back(std::move(*spec));
    ++planned_;
  }
}

std::optional<Work> Planner::take(Instant now) {
  if (next_retry() <= now) {
    Work work = std::move(waiting_.begin()->second);
    waiting_.erase(waiting_.begin());
    return work;
  }
  if (fresh_.empty()) return {};
  Work work = std::move(fresh_.front());
  fresh_.pop_front();
  return work;
}

void Planner::retry_later(Work work, Instant due) { waiting_.emplace(std::pair(due, order_++), std::move(work)); }

void Planner::finished(RowId request) {
  RETORT_ASSERT(active_.erase(request) == 1);
  --planned_;
}

}  // namespace retort
