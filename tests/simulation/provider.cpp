#include "tests/simulation/provider.h"

#include <algorithm>
#include <cmath>
#include <ctime>

namespace retort::simulation {
namespace {

constexpr const char* kJson = "application/json";

Reply reply_of(int status, std::string body, const char* type = kJson) {
  return {{status, {{"content-type", type}}}, std::move(body), NetFault::none};
}

}  // namespace

Provider::Provider(Timeline& timeline, ProviderSettings settings, const Questions& questions, Wire& wire,
                   Random& random, Audit& audit)
    : timeline_(timeline),
      settings_(std::move(settings)),
      questions_(questions),
      wire_(wire),
      random_(random),
      audit_(audit),
      gateway_(settings_.gateway, timeline.now()),
      started_(timeline.now()) {
  if (const auto& batching = settings_.batching) {
    batching_.emplace(batching->batch, batching->tokens_per_second, batching->prefill);
    for (std::size_t i = 0; i < batching->changes.size(); ++i)
      timeline_.after(batching->changes[i].first, *this, kBatchChange, i);
  }
  plan_outage();
}

void Provider::plan_outage() {
  if (settings_.faults.down_every <= Duration::zero()) return;
  timeline_.after(random_.jitter(2 * settings_.faults.down_every), *this, kOutage);
}

void Provider::happen(std::uint32_t what, std::uint64_t which) {
  switch (what) {
    case kAnswer:
      return answer(which);
    case kBatchDone:
      if (which != batch_version_) return;
      {
        const ServerKey key = batching_->next()->second;
        batching_->complete(timeline_.now());
        answer(key);
        start_next_batch();
      }
      return;
    case kBatchChange:
      batching_->set_batch(settings_.batching->changes[which].second, timeline_.now());
      return start_next_batch();
    case kOutage:
      wire_.set_down(true);
      return timeline_.after(random_.jitter(settings_.faults.down_for), *this, kOutageEnds);
    case kOutageEnds:
      wire_.set_down(false);
      return plan_outage();
    default:
      break;
  }
}

void Provider::arrive(ServerKey key, std::int64_t prompt) {
  if (prompt == 0) return wire_.reply(key, introduction());
  const auto tokens = static_cast<double>(questions_.prompt_tokens(prompt) + questions_.answer_tokens(prompt));
  Gateway::Ruling ruling = gateway_.ask(tokens, timeline_.now());
  if (!ruling.admitted) return refuse(key, prompt, std::move(ruling));
  ++in_flight_;
  audit_.admitted(prompt);
  headers_[key] = std::move(ruling.headers);
  if (batching_) {
    batching_->arrive(key, static_cast<double>(questions_.answer_tokens(prompt)), timeline_.now());
    return start_next_batch();
  }
  const double decoding = static_cast<double>(questions_.answer_tokens(prompt)) / settings_.answer_tokens_per_second;
  timeline_.after(settings_.prefill + from_seconds(decoding), *this, kAnswer, key);
}

Reply Provider::introduction() const {
  if (timeline_.now() < started_ + settings_.ready_after) return reply_of(503, R"({"error":{"message":"loading"}})");
  return reply_of(200, R"({"object":"list","data":[{"id":"sim","object":"model"}]})");
}

void Provider::start_next_batch() {
  ++batch_version_;
  if (const auto next = batching_->next()) timeline_.at(next->first, *this, kBatchDone, batch_version_);
}

void Provider::refuse(ServerKey key, std::int64_t prompt, Gateway::Ruling ruling) {
  audit_.refused(prompt);
  Reply reply = reply_of(429, R"({"error":{"message":"slow down","type":"rate_limit_exceeded"}})");
  for (HttpHeader& header : ruling.headers) {
    if (header.first == "retry-after" && random_.chance(settings_.faults.odd_retry_after))
      header.second = odd_retry_after();
    reply.head.headers.push_back(std::move(header));
  }
  wire_.reply(key, std::move(reply));
}

std::string Provider::odd_retry_after() {
  switch (random_.between(0, 4)) {
    case 0: {
      const std::time_t at = wall(timeline_.now()) / 1000 + random_.between(0, 5);
      std::tm parts{};
      char text[40];
      gmtime_r(&at, &parts);
      std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts);
      return text;
    }
    case 1:
      return "99999999999";
    case 2:
      return "-5";
    case 3:
      return "0";
    default:
      return "soon";
  }
}

void Provider::answer(ServerKey key) {
  const std::int64_t prompt = wire_.prompt(key);
  --in_flight_;
  gateway_.leave();
  auto headers = headers_.extract(key);
  tokens_answered_ += static_cast<double>(questions_.answer_tokens(prompt));
  Reply reply;
  if (random_.chance(settings_.faults.silence)) {
    bill(prompt, Audit::Bill::silent);
    return wire_.stay_silent(key);
  }
  if (!misbehaves(prompt, reply)) {
    bill(prompt, Audit::Bill::answer);
    reply = reply_of(200, answer_body(prompt));
  }
  for (HttpHeader& header : headers.mapped()) reply.head.headers.push_back(std::move(header));
  wire_.reply(key, std::move(reply));
}

void Provider::bill(std::int64_t prompt, Audit::Bill bill) {
  audit_.billed(prompt, static_cast<double>(questions_.prompt_tokens(prompt)),
                static_cast<double>(questions_.answer_tokens(prompt)), bill);
}

bool Provider::is_answer(std::string_view body) { return body.rfind(R"({"id":"sim",)", 0) == 0; }

bool Provider::misbehaves(std::int64_t prompt, Reply& reply) {
  const FaultSettings& faults = settings_.faults;
  if (random_.chance(faults.transient)) {
    reply = transient_fault(prompt);
  } else if (random_.chance(faults.permanent)) {
    bill(prompt, Audit::Bill::permanent);
    constexpr int kStatus[] = {400, 413, 422};
    reply = reply_of(kStatus[random_.between(0, 2)], R"({"error":{"message":"will never work"}})");
  } else if (random_.chance(faults.stop)) {
    bill(prompt, Audit::Bill::nothing);
    reply = stop_reply();
  } else {
    return false;
  }
  return true;
}

// The books take the worst case: whatever came with a status of 200 is billed, useful or not.
Reply Provider::transient_fault(std::int64_t prompt) {
  const auto kind = random_.between(0, 11);
  const bool with_status_200 = kind >= 6;
  bill(prompt, with_status_200 ? Audit::Bill::spoilt : Audit::Bill::error);
  switch (kind) {
    case 0:
      return reply_of(500, R"({"error":{"message":"oops"}})");
    case 1:
      return reply_of(502, "<html>bad gateway</html>", "text/html");
    case 2:
      return reply_of(503, "");
    case 3: {
      Reply reply = reply_of(503, R"({"error":{"message":"busy"}})");
      reply.head.headers.emplace_back("retry-after", std::to_string(random_.between(1, 3)));
      return reply;
    }
    case 4:
      return reply_of(529, R"({"error":{"type":"overloaded_error","message":"overloaded"}})");
    case 5:
      return reply_of(408, "");
    case 6:
      return reply_of(200, "<html>captive portal</html>", "text/html");
    case 7:
      return reply_of(200, R"({"error":{"message":"inside a 200"}})");
    case 8:
      return reply_of(200, R"({"choices":[]})");
    case 9:
      return reply_of(200, R"({"choices":[{"mess)");
    case 10:
      return {{200, {{"content-type", kJson}}}, R"({"choices":[{"mess)", NetFault::broken};
    default:
      return {{}, "", NetFault::broken};
  }
}

Reply Provider::stop_reply() {
  switch (random_.between(0, 2)) {
    case 0:
      return reply_of(401, R"({"error":{"message":"no such key"}})");
    case 1:
      return reply_of(403, R"({"error":{"message":"not for you"}})");
    default:
      return reply_of(429, R"({"error":{"message":"no money","type":"insufficient_quota"}})");
  }
}

std::string Provider::answer_body(std::int64_t prompt) {
  std::string body = R"({"id":"sim","model":"sim","choices":[{"index":0,"message":{"role":"assistant","content":")";
  body += answer_text(prompt);
  if (settings_.faults.body_bytes > 0) {
    body.append(static_cast<std::size_t>(random_.between(0, static_cast<std::int64_t>(settings_.faults.body_bytes))),
                '.');
  }
  const auto stated = [&](std::int64_t tokens) {
    return std::to_string(
        static_cast<std::int64_t>(std::llround(static_cast<double>(tokens) * settings_.usage_factor)));
  };
  body += R"("},"finish_reason":"stop"}],"usage":{"prompt_tokens":)";
  body += stated(questions_.prompt_tokens(prompt));
  body += R"(,"completion_tokens":)";
  body += stated(questions_.answer_tokens(prompt));
  body += "}}";
  return body;
}

}  // namespace retort::simulation
