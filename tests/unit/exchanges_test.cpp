// Every recorded exchange: what is asked, and what is made of the reply; and the promises that all dialects keep over
// all of their recorded bytes, however they are cut.
#include <map>
#include <set>

#include "core/base/text.h"
#include "core/harvest/answers.h"
#include "core/harvest/rate_limiter.h"
#include "tests/catch.h"
#include "tests/support/recorded_exchange.h"

namespace retort {
namespace {

const std::vector<RecordedExchange>& exchanges() {
  static const auto all = recorded_exchanges(RETORT_SOURCE_DIR "/tests/exchanges");
  return all;
}

Reply decoded(const RecordedExchange& exchange, std::string_view body) {
  return exchange.teacher()->decode(exchange.head, body);
}

std::string path_of(const std::string& url) { return url.substr(url.find('/', 7)); }

}  // namespace

TEST_CASE("each recorded exchange is asked as recorded") {
  for (const RecordedExchange& exchange : exchanges()) {
    if (!exchange.question) continue;
    INFO(exchange.name);
    const auto teacher = exchange.teacher();
    const Question question = exchange.asked();
    const Result<void> accepted = teacher->accepts(question.parameters, question.choices);
    CHECK((accepted ? "" : accepted.error().message) == std::string());
    const Result<void> sayable = teacher->accepts_messages(question.messages.json());
    CHECK((sayable ? "" : sayable.error().message) == std::string());
    const HttpRequest request = teacher->encode(question);
    CHECK(request.method + " " + path_of(request.url) == exchange.request_line);
    CHECK(*parse_json(request.body) == exchange.request);
    CHECK(teacher->bound(question).input > 0);
    for (const auto& [name, value] : request.headers) CHECK(name != teacher->credential_header("k").first);
  }
}

TEST_CASE("each recorded exchange is decoded as recorded") {
  for (const RecordedExchange& exchange : exchanges()) {
    INFO(exchange.name);
    const Reply reply = decoded(exchange, exchange.body);
    CHECK(reply_json(reply).dump(1) == exchange.decoded.dump(1));
    if (const auto* answer = std::get_if<Answer>(&reply); answer && answer->choices.size() == 1)
      CHECK(answer->choices[0].usage.output == answer->usage.output);
  }
}

TEST_CASE("whatever a reply is cut to, no text is made up") {
  for (const RecordedExchange& exchange : exchanges()) {
    if (exchange.asked().choices > 1) continue;  // of several answers, which ones came in whole is what a cut decides
    const Reply whole = decoded(exchange, exchange.body);
    const auto* full = std::get_if<Answer>(&whole);
    for (std::size_t size = 0; size < exchange.body.size(); ++size) {
      const Reply reply = decoded(exchange, std::string_view(exchange.body).substr(0, size));
      const auto* answer = std::get_if<Answer>(&reply);
      const auto* rejection = std::get_if<Rejection>(&reply);
      const Response* some = answer ? &answer->choices[0] : rejection->partial ? &*rejection->partial : nullptr;
      if (full == nullptr || some == nullptr) continue;
      const Response& all = full->choices[0];
      INFO(exchange.name << " cut to " << size << " bytes: " << reply_json(reply).dump());
      // A thought that lies inline moves from the text when its tag is complete.
      if (all.reasoning.empty()) CHECK(all.text.starts_with(some->text));
      if (answer && full->choices.size() == answer->choices.size()) CHECK(some->text == all.text);
      if (rejection) CHECK(rejection->kind == Rejection::Kind::transient);
    }
  }
}

TEST_CASE("a stream that comes split at any byte, or byte by byte, is the same answer as in one piece") {
  constexpr Instant kSent{1'000'000'000};
  PrivatePace pace;
  RateLimiter limiter({}, pace, kSent);
  auto admission = limiter.acquire({}, kSent);
  Flight flight{0, {}, std::move(std::get<Permit>(admission)), {}, kSent, {}, {}, {}};
  std::map<std::string, int> streams;
  for (const RecordedExchange& exchange : exchanges()) {
    if (exchange.name.find("/stream") == std::string::npos) continue;
    INFO(exchange.name);
    const auto teacher = exchange.teacher();
    const std::string& body = exchange.body;
    flight.head = exchange.head;
    // As the harvest takes it in: whenever a piece comes, it looks for the first of the text.
    const auto begin = [&] { flight.body.clear(), flight.first_token = {}; };
    const auto take = [&](std::string piece, Duration after) {
      take_bytes(flight, std::move(piece));
      watch_first_token(flight, *teacher, kSent + after);
    };
    std::size_t wrong = 0, speaking = 0, fell_silent = 0;
    for (std::size_t at = 1; at < body.size(); ++at) {
      begin();
      take(body.substr(0, at), 1s);
      take(body.substr(at), 2s);
      wrong += reply_json(teacher->decode(flight.head, flight.body)) != exchange.decoded;
      // Where a beginning holds some text, every longer one does.
      fell_silent += speaking > 0 && flight.first_token != 1s;
      speaking += flight.first_token == 1s;
    }
    CHECK(wrong == 0);
    CHECK(fell_silent == 0);
    begin();
    for (std::size_t at = 0; at < body.size(); ++at) take(body.substr(at, 1), std::chrono::milliseconds(at + 1));
    CHECK(reply_json(teacher->decode(flight.head, flight.body)) == exchange.decoded);
    // Noted with the very byte that completes the first of the text.
    if (speaking > 0) CHECK(flight.first_token == std::chrono::milliseconds(body.size() - speaking));
    ++streams[exchange.dialect];
  }
  limiter.settle(std::move(flight.permit), {});
  for (const std::string& dialect : dialect_names()) CHECK(streams[dialect] >= 2);
}

TEST_CASE("a stream that was cut keeps what came") {
  std::set<std::string> dialects;
  for (const RecordedExchange& exchange : exchanges()) {
    if (exchange.name.find("/stream") == std::string::npos || !exchange.decoded.contains("answer")) continue;
    bool kept = false;
    for (std::size_t size = 0; size < exchange.body.size() && !kept; ++size) {
      const Reply reply = decoded(exchange, std::string_view(exchange.body).substr(0, size));
      const auto* rejection = std::get_if<Rejection>(&reply);
      kept = rejection && rejection->word == "stream_cut" && rejection->partial && !rejection->partial->text.empty();
    }
    INFO(exchange.name);
    if (kept) dialects.insert(exchange.dialect);
  }
  const std::vector<std::string> all = dialect_names();
  CHECK(dialects == std::set<std::string>(all.begin(), all.end()));
}

TEST_CASE("each dialect has its exchanges of every kind") {
  // What a dialect does not have: base models call no tools; Ollama refuses nothing but in plain text.
  const std::set<std::string> exceptions = {"openai-completions/tool-call", "ollama/refusal", "ollama/quota"};
  std::set<std::string> names;
  for (const RecordedExchange& exchange : exchanges()) names.insert(exchange.name);
  for (const std::string& dialect : dialect_names()) {
    for (const char* kind :
         {"answer", "stream", "stream-cut", "stream-error", "refusal", "truncated", "tool-call", "malformed",
          "error-in-200", "error-401", "error-404", "error-400", "error-429", "error-503", "quota"}) {
      const std::string name = dialect + "/" + kind;
      INFO(name);
      CHECK((names.count(name) == 1) != (exceptions.count(name) == 1));
    }
  }
}

}  // namespace retort
