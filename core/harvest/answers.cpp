#include "core/harvest/answers.h"

#include <algorithm>
#include <utility>

#include "core/base/text.h"
#include "core/teacher/redacted_reply.h"

namespace retort {
namespace {

// A refusal is an answer, and one that was cut would only be cut again: neither is asked again for its shape.
bool is_to_be_validated(const Response& response) {
  return response.refusal.empty() && (response.finish == Finish::stop || response.finish == Finish::other);
}

}  // namespace

std::vector<RowId> requests_of(const Work& work) {
  std::vector<RowId> requests{work.request};
  requests.insert(requests.end(), work.also.begin(), work.also.end());
  return requests;
}

AnswersTaken take_answers(Answer answer, Work work, const HarvestSettings& settings) {
  AnswersTaken taken;
  const std::vector<RowId> requests = requests_of(work);
  const std::size_t answered = std::min(requests.size(), answer.choices.size());
  for (std::size_t i = 0; i < answered; ++i) {
    Served served{requests[i], RequestStatus::answered, std::move(answer.choices[i])};
    Response& response = *served.response;
    if (settings.problem_with && is_to_be_validated(response)) response.invalid = settings.problem_with(response.text);
    if (!response.invalid.empty()) {
      Work single = work;
      single.request = requests[i];
      single.also.clear();
      single.question.choices = 1;
      const bool enough = ++single.invalid_answers >= settings.validate_tries;
      served.status = enough ? RequestStatus::failed : RequestStatus::pending;
      if (!enough) taken.again.push_back(std::move(single));
    }
    taken.served.push_back(std::move(served));
  }
  if (answered == requests.size()) return taken;
  for (std::size_t i = answered; i < requests.size(); ++i) taken.served.push_back({requests[i]});
  work.request = requests[answered];
  work.also.assign(requests.begin() + static_cast<std::ptrdiff_t>(answered) + 1, requests.end());
  work.question.choices = static_cast<int>(requests.size() - answered);
  taken.again.push_back(std::move(work));
  return taken;
}

void keep_partial(const Reply& reply, AttemptEnd& end) {
  const auto* rejection = std::get_if<Rejection>(&reply);
  if (!rejection || !rejection->partial) return;
  end.response = rejection->partial;
  end.response->partial = true;
}

void watch_first_token(Flight& flight, const Teacher& teacher, Instant now) {
  // A stream that has said nothing in so many bytes will not tell us much by its first word.
  constexpr std::size_t kLookedAtMost = 64 << 10;
  if (flight.first_token != Duration::zero() || flight.body.size() > kLookedAtMost) return;
  const Reply so_far = teacher.decode(flight.head, flight.body);
  const Response* said = nullptr;
  if (const auto* answer = std::get_if<Answer>(&so_far)) said = &answer->choices.front();
  if (const auto* cut = std::get_if<Rejection>(&so_far); cut && cut->partial) said = &*cut->partial;
  if (!said) return;
  if (!said->text.empty() || !said->reasoning.empty() || !said->tool_calls.is_null())
    flight.first_token = now - flight.sent;
}

std::vector<RowId> note_served(std::vector<Served> served, const std::string& credential, Tally& tally,
                               AttemptEnd& end) {
  constexpr const char* kInvalid = "invalid";
  std::vector<RowId> done;
  for (const Served& one : served) {
    if (one.status != RequestStatus::pending) done.push_back(one.request);
    if (one.status == RequestStatus::answered) tally.answered(*one.response);
    if (!one.response || one.response->invalid.empty()) continue;
    ++tally.stats.invalid;
    end.error = kInvalid;
    end.error_detail = redacted(on_one_line(one.response->invalid), credential);
    tally.stats.last_failure = std::string(kInvalid) + ": " + end.error_detail;
    if (one.status == RequestStatus::failed) tally.given_up(kInvalid, 1);
  }
  end.request_status = served.front().status;
  end.response = std::move(served.front().response);
  for (std::size_t i = 1; i < served.size(); ++i)
    end.also.push_back({served[i].request, served[i].status, std::move(served[i].response)});
  return done;
}

ExchangeRead read_exchange(const Flight& flight, const ResponseEnd& event, AttemptEnd& end, const Teacher& teacher,
                           const std::string& credential, WallTime wall) {
  AttemptFacts facts;
  facts.fault = event.fault;
  facts.fault_detail = redacted(on_one_line(event.detail), credential);
  facts.possibly_billed = event.possibly_billed;
  bool whole = event.fault == NetFault::none;
  const bool stream = flight.work.question.stream;
  if (whole || stream) facts.reply = decode_redacted(teacher, flight.head, end.raw_body, credential);
  if (!whole && stream && std::holds_alternative<Answer>(facts.reply)) {
    // A stream that said its end is whole, however the connection ended.
    whole = true;
    facts.fault = NetFault::none;
  }
  if (whole) facts.signals = read_rate_signals(flight.head, wall);
  return {std::move(facts), whole};
}

AttemptEnd unsent_end(const Ready& ready, const std::string& why) {
  AttemptEnd end;
  end.attempt = ready.attempt;
  end.request = ready.work.request;
  end.outcome = AttemptOutcome::failed;
  end.request_status = RequestStatus::failed;
  end.error = "too_long";
  end.error_detail = why;
  for (const RowId request : ready.work.also) end.also.push_back({request, RequestStatus::failed});
  return end;
}

AttemptEnd cancelled_exchange(Flight& flight, Instant now, const Teacher& teacher, const std::string& credential) {
  AttemptEnd end = record_exchange(flight, {{}, now - flight.sent}, credential);
  end.outcome = AttemptOutcome::cancelled;
  end.error = "cancelled";
  if (flight.work.question.stream) keep_partial(decode_redacted(teacher, flight.head, end.raw_body, credential), end);
  end.possibly_billed = true;
  for (const RowId request : flight.work.also) end.also.push_back({request});
  return end;
}

}  // namespace retort
