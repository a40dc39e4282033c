// Every recorded exchange over a real socket: what leaves the program, and what its corpus holds of the reply.
#include <mutex>

#include "storage/compression.h"
#include "tests/catch.h"
#include "tests/e2e/scene.h"
#include "tests/support/raw_server.h"
#include "tests/support/recorded_exchange.h"

namespace retort {
namespace {

/// Gives the recorded reply to the first request, and turns away what comes after it.
class Replay {
 public:
  explicit Replay(const RecordedExchange& exchange)
      : exchange_(exchange), server_([this](RawConnection& client) { serve(client); }) {}

  std::string base_url() const {
    const std::string& dialect = exchange_.dialect;
    return server_.url(dialect == "anthropic" || dialect == "ollama" ? "" : dialect == "gemini" ? "/v1beta" : "/v1");
  }
  std::vector<RawRequest> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  void serve(RawConnection& client) {
    while (auto request = client.read_request()) {
      bool first = false;
      {
        const std::lock_guard lock(mutex_);
        first = requests_.empty();
        requests_.push_back(std::move(*request));
      }
      std::string headers;
      for (const auto& [name, value] : exchange_.head.headers)
        headers.append(name).append(": ").append(value) += "\r\n";
      const std::string status = std::to_string(exchange_.head.status) + " as recorded";
      if (!client.send(first ? http_reply(exchange_.body, headers, status) : http_reply("", "", "401 Unauthorized")))
        return;
    }
  }

  const RecordedExchange& exchange_;
  mutable std::mutex mutex_;
  std::vector<RawRequest> requests_;
  RawServer server_;
};

Profile profile_of(const RecordedExchange& exchange, const std::string& base_url) {
  const auto quoted = [](const std::string& text) { return Json(text).dump(); };
  Profile profile = {{"api", quoted(exchange.dialect)}, {"base_url", quoted(base_url)},
                     {"model", quoted(exchange.model)}, {"api_key_env", "\"REPLAY_KEY\""},
                     {"wait_until_ready", "false"},     {"stream", exchange.asked().stream ? "true" : "false"}};
  if (exchange.asked().choices > 1) profile["server_side_n"] = "true";
  for (const auto& [name, value] : exchange.settings.items()) {
    // What no key of a profile says is a quirk that a preset knows.
    if (name == "reasoning_object") profile["preset"] = "\"openrouter\"";
    if (name == "seed_name") profile["preset"] = "\"mistral\"";
    if (value.is_string() && name != "seed_name") profile[name] = value.dump();
  }
  return profile;
}

std::vector<std::string> words_of(const RecordedExchange& exchange, const Scene& scene) {
  const Question question = exchange.asked();
  std::vector<std::string> words = scene.harvest_words({"--attempts", "1", "-n", std::to_string(question.choices)});
  for (const auto& [name, value] : question.parameters.items()) {
    words.emplace_back("--set");
    words.push_back(name + "=" + value.dump());
  }
  if (question.max_tokens) words.insert(words.end(), {"--max-tokens", std::to_string(*question.max_tokens)});
  // A refusal for now would be waited out.
  if (exchange.decoded.value("/rejection/kind"_json_pointer, "") == "rate_limited")
    words.insert(words.end(), {"--until", "1s"});
  return words;
}

/// The corpus's responses in the order of their samples, in the form that the recorded files have.
Json stored_choices(const Scene& scene) {
  Json choices = Json::array();
  for (const std::string& row : scene.texts(
           "SELECT json_object('text', text, 'finish', finish, 'reasoning', nullif(reasoning, ''), 'refusal', "
           "nullif(refusal, ''), 'provider_finish', nullif(provider_finish, ''), 'served_model', nullif(served_model, "
           "''), 'system_fingerprint', nullif(system_fingerprint, ''), 'provider_id', nullif(provider_id, ''), "
           "'tool_calls', json(tool_calls)) FROM response JOIN request ON request.id = request_id ORDER BY sample")) {
    Json choice = json_of(row);
    for (auto at = choice.begin(); at != choice.end();) at = at->is_null() ? choice.erase(at) : std::next(at);
    choices.push_back(std::move(choice));
  }
  return choices;
}

std::string stored_body(const Scene& scene) {
  const auto body = decompress(scene.text("SELECT body FROM raw ORDER BY attempt_id LIMIT 1"), 1 << 20);
  REQUIRE_OK(body);
  return *body;
}

}  // namespace

// when:  a harvest asks a server that replies as recorded, in every dialect, streamed or not
// then:  the recorded request leaves it, with the key in the dialect's own header; body and answer are stored as
// recorded
TEST_CASE("each recorded exchange is harvested over a real socket", "[e2e][dialects]") {
  const auto all = recorded_exchanges(RETORT_SOURCE_DIR "/tests/exchanges");
  CHECK(all.size() > 100);
  for (const RecordedExchange& exchange : all) {
    CAPTURE(exchange.name);
    Replay replay(exchange);
    Scene scene({}, profile_of(exchange, replay.base_url()));
    scene.write("prompts.jsonl", Json{{"messages", exchange.asked().messages.json()}}.dump() + "\n");
    ProgramSetup setup = scene.setup(words_of(exchange, scene));
    setup.environment["REPLAY_KEY"] = "the-key";
    const ProgramEnd end = Program(setup).wait();
    CAPTURE(end.err);

    const auto requests = replay.requests();
    REQUIRE_FALSE(requests.empty());
    const auto [header, value] = exchange.teacher()->credential_header("the-key");
    CHECK(requests[0].header(header) == value);
    if (exchange.question) {
      CHECK("POST " + requests[0].target() == exchange.request_line);
      CHECK(json_of(requests[0].body) == exchange.request);
    }
    CHECK(stored_body(scene) == exchange.body);
    if (exchange.decoded.contains("answer")) {
      Json expected = exchange.decoded["answer"]["choices"];
      const bool whole = expected.size() == static_cast<std::size_t>(exchange.asked().choices);
      CHECK(end.code == (whole ? 0 : 4));  // a sample that is missing is asked for again
      for (Json& choice : expected) choice.erase("logprobs");
      CHECK(stored_choices(scene).dump(1) == expected.dump(1));
    } else {
      CHECK(end.code != 0);
      CHECK(scene.text("SELECT error FROM attempt ORDER BY id LIMIT 1") == exchange.decoded["rejection"]["word"]);
    }
  }
}

}  // namespace retort
