#include "core/batch/batch_collector.h"

#include "core/base/text.h"
#include "core/batch/result_lines.h"
#include "core/corpus/words.h"
#include "core/harvest/answers.h"
#include "core/teacher/redacted_reply.h"

namespace retort {
namespace {

// One transaction's worth: what a crash makes us read again, and what is held in memory.
constexpr std::size_t kEndsAtOnce = 200;
constexpr std::size_t kBytesAtOnce = 4 << 20;
// A line is a reply with a few words around it.
constexpr std::size_t kLineBytesMore = 64 << 10;

}  // namespace

BatchCollector::BatchCollector(const Clock& clock, BatchWire& wire, BatchLog& log, const Teacher& teacher,
                               const BatchApi& api, BatchSettings settings)
    : clock_(clock),
      wire_(wire),
      log_(log),
      teacher_(teacher),
      api_(api),
      settings_(std::move(settings)),
      finder_(clock, wire, log, api, settings_.settle),
      random_(settings_.key_seed) {}

Result<Collected> BatchCollector::collect(BatchRecord batch) {
  batch_ = std::move(batch);
  result_ = {};
  ends_.clear(), ending_.clear(), bytes_ = 0;
  if (batch_.state == BatchState::creating) {
    const auto found = finder_.find(batch_);
    if (!found) return fail(found.error());
    if (found->is != FoundBatch::Is::there) {
      result_.how = Collected::How::in_doubt;
      result_.word = found->is == FoundBatch::Is::in_doubt ? found->doubt : "it never reached the provider";
      return std::move(result_);
    }
    result_.view = found->view;
    batch_.provider_id = found->view.id;
  } else {
    const WireResult reply = wire_.ask(api_.look(batch_.provider_id));
    if (const auto* trouble = std::get_if<WireTrouble>(&reply)) return fail(trouble->error);
    auto view = api_.read_batch(std::get<WireReply>(reply).body);
    if (!view || view->id != batch_.provider_id)
      return fail(Errc::refused, "the provider's word on batch " + batch_.provider_id + " cannot be read");
    result_.view = std::move(*view);
  }
  BatchChange seen;
  seen.state = BatchState::submitted;
  seen.provider_id = batch_.provider_id;
  seen.provider_status = result_.view.status;
  seen.expires = result_.view.expires;
  seen.error = result_.view.rejected ? result_.view.problem : std::string();
  if (auto done = log_.change(batch_.id, seen); !done) return fail(done.error());
  if (!result_.view.over) return std::move(result_);

  BatchRest rest{AttemptOutcome::failed, "batch_no_line", "the batch ended and its results do not name this request",
                 true};
  if (result_.view.rejected) {
    rest = {AttemptOutcome::refused, "batch_rejected", result_.view.problem, false};
  } else {
    if (auto done = take_results(result_.view); !done) return fail(done.error());
    if (result_.view.ran_out) rest = {AttemptOutcome::refused, "batch_" + result_.view.status, "", false};
  }
  const auto left = log_.finish(batch_.id, rest);
  if (!left) return fail(left.error());
  result_.pending += *left;
  result_.how = result_.view.rejected ? Collected::How::rejected : Collected::How::collected;
  result_.word = result_.view.problem;
  return std::move(result_);
}

Result<void> BatchCollector::take_results(const BatchView& view) {
  LineSplitter lines(settings_.harvest.body_bytes_max + kLineBytesMore);
  const LineSplitter::Take take = [this](std::string_view line, bool whole) { take_line(line, whole); };
  for (const std::string& file : view.result_files) {
    const WireResult reply = wire_.stream(
        api_.results(file), [&] { lines.reset(); },
        [&](std::string_view bytes) {
          lines.feed(bytes, take);
          return !failure_;
        });
    const auto* trouble = std::get_if<WireTrouble>(&reply);
    // A cut file's last line is no line.
    if (!trouble && !failure_) lines.end(take);
    store();
    if (failure_) return fail(*std::exchange(failure_, {}));
    if (trouble) return fail(trouble->error);
  }
  return {};
}

void BatchCollector::take_line(std::string_view line, bool whole) {
  if (failure_) return;
  std::optional<BatchLine> read_line = whole ? api_.read_line(line) : std::nullopt;
  const auto attempt = read_line ? attempt_of(read_line->custom_id, batch_.key) : attempt_within(line, batch_.key);
  if (!attempt) {
    ++result_.strange;
    return;
  }
  if (ending_.count(*attempt) != 0) {
    ++result_.already;
    return;
  }
  auto asked = log_.question(batch_.id, *attempt);
  if (!asked) {
    failure_ = asked.error();
    return;
  }
  if (!*asked) {
    ++result_.already;
    return;
  }
  conclude(**asked, read(**asked, read_line, line, whole));
  if (ends_.size() >= kEndsAtOnce || bytes_ >= kBytesAtOnce) store();
}

AttemptEnd BatchCollector::read(const BatchQuestion& asked, const std::optional<BatchLine>& line, std::string_view raw,
                                bool whole) {
  AttemptEnd end;
  end.attempt = asked.attempt;
  end.request = asked.request;
  end.outcome = AttemptOutcome::failed;
  if (line && line->problem.empty()) {
    read_reply(asked, *line, end);
    return end;
  }
  if (line) {
    end.outcome = line->never_asked ? AttemptOutcome::refused : AttemptOutcome::failed;
    end.error = line->problem;
    end.error_detail = redacted(line->detail, settings_.harvest.credential);
    end.possibly_billed = !line->never_asked;
  } else {
    // What was paid for is kept, even if nobody can read it yet.
    end.error = whole ? "not_json" : "too_large";
    end.error_detail = whole ? "a line of the results that cannot be read" : "a line of the results beyond all bounds";
    end.possibly_billed = true;
    if (!asked.forgotten) end.raw_body = redacted(std::string(raw), settings_.harvest.credential);
  }
  const bool enough = asked.attempts_charged + 1 >= settings_.harvest.retry.attempts_max;
  if (is_charged(end.outcome) && enough) end.request_status = RequestStatus::failed;
  for (const RowId request : asked.also) end.also.push_back({request, end.request_status});
  return end;
}

void BatchCollector::read_reply(const BatchQuestion& asked, const BatchLine& line, AttemptEnd& end) {
  const std::string& secret = settings_.harvest.credential;
  HttpHead head{line.status, {{"content-type", "application/json"}}};
  if (!line.request_id.empty()) head.headers.emplace_back("x-request-id", redacted(line.request_id, secret));
  end.http_status = line.status;
  end.headers = Json::object();
  for (const auto& [name, value] : head.headers) end.headers[name] = value;
  end.raw_body = std::string(line.body);

  const Question question{asked.messages, asked.parameters, asked.max_tokens, false,
                          1 + static_cast<int>(asked.also.size())};
  AttemptFacts facts;
  facts.reply = decode_redacted(teacher_, head, end.raw_body, secret);
  const AttemptHistory history{asked.attempts_charged, asked.timeouts, 0, false};
  const RetryVerdict verdict = judge(facts, history, settings_.harvest.retry, random_);
  auto* const answer = std::get_if<Answer>(&facts.reply);
  if (answer) {
    const Cost cost =
        at_price(teacher_.invoice(answer->usage, teacher_.bound(question), clock_.wall()), settings_.price_factor);
    end.cost = cost.money;
    tally_.paid(cost);
  }
  if (answer && !asked.forgotten) {
    if (answer->choices.size() > 1) end.usage = answer->usage;
    Work work;
    work.request = asked.request;
    work.also = asked.also;
    work.question = question;
    work.invalid_answers = asked.invalid_answers;
    AnswersTaken taken = take_answers(std::move(*answer), std::move(work), settings_.harvest);
    note_served(std::move(taken.served), secret, tally_, end);
    end.outcome = AttemptOutcome::answered;
    return;
  }
  end.outcome = answer ? AttemptOutcome::failed : verdict.outcome;
  end.error = answer ? "forgotten" : verdict.word;
  end.error_detail = redacted(verdict.detail, secret);
  end.possibly_billed = !answer && line.status == 200;
  if (asked.forgotten) end.raw_body.clear(), end.error_detail.clear();
  if (asked.forgotten || verdict.next == RetryVerdict::Next::give_up) end.request_status = RequestStatus::failed;
  for (const RowId request : asked.also) end.also.push_back({request, end.request_status});
}

void BatchCollector::conclude(const BatchQuestion& asked, AttemptEnd end) {
  if (end.outcome == AttemptOutcome::answered) {
    const auto count = [&](RequestStatus status) {
      result_.answered += status == RequestStatus::answered;
      result_.pending += status == RequestStatus::pending;
      result_.failed += status == RequestStatus::failed;
    };
    count(end.request_status);
    for (const Share& share : end.also) count(share.request_status);
  } else {
    const auto requests = 1 + static_cast<std::int64_t>(asked.also.size());
    (end.request_status == RequestStatus::failed ? result_.failed : result_.pending) += requests;
    tally_.failed(end);
  }
  bytes_ += end.raw_body.size() * 2;
  ending_.insert(end.attempt);
  ends_.push_back(std::move(end));
}

void BatchCollector::store() {
  if (!ends_.empty() && !failure_) {
    if (auto done = log_.end(ends_); !done) failure_ = done.error();
  }
  ends_.clear(), ending_.clear(), bytes_ = 0;
}

}  // namespace retort
