// The embedded server over real sockets: its routes, its limits, and its end.
#include "core/serve/openai_server.h"

#include <httplib.h>

#include "core/net/curl_transport.h"
#include "tests/catch.h"
#include "tests/support/exchange.h"

namespace retort {
namespace {

const SystemClock kClock;

std::unique_ptr<OpenAiServer> served(ServerOptions options = {}) {
  auto server = OpenAiServer::start(std::move(options), make_arithmetic_teacher(), kClock);
  REQUIRE_OK(server);
  return std::move(server).value();
}

const std::string kBody = R"({"model":"arithmetic","messages":[{"role":"user","content":"What is 482 + 71?"}]})";

httplib::Result ask(httplib::Client& client, const std::string& body = kBody) {
  return client.Post("/v1/chat/completions", body, "application/json");
}

TEST_CASE("the server answers, lists, and says what is wrong", "[contract][serve]") {
  const auto server = served();
  httplib::Client client("127.0.0.1", server->port());
  const auto answer = ask(client);
  REQUIRE(answer);
  CHECK(answer->status == 200);
  CHECK(answer->has_header("x-request-id"));
  const auto body = parse_json(answer->body);
  REQUIRE_OK(body);
  CHECK(json_text(json_child(json_child(*body, "choices")[0], "message"), "content") == "553");

  CHECK(client.Get("/health")->status == 200);
  CHECK(client.Get("/v1/models")->body.find("\"arithmetic\"") != std::string::npos);
  const auto lost = client.Get("/nowhere");
  CHECK(lost->status == 404);
  CHECK(parse_json(lost->body)->contains("error"));
  CHECK(ask(client, "{")->status == 400);
  const auto unknown = ask(client, R"({"model":"gpt","messages":[{"role":"user","content":"x"}]})");
  CHECK(unknown->status == 404);
  CHECK(unknown->body.find("model_not_found") != std::string::npos);
  const ServerCounts counts = server->counts();
  CHECK(counts.requests == 3);
  CHECK(counts.answered == 1);
  CHECK(counts.erroneous == 2);
}

TEST_CASE("a stream comes as events", "[contract][serve]") {
  const auto server = served();
  httplib::Client client("127.0.0.1", server->port());
  const auto answer =
      ask(client, R"({"model":"arithmetic","stream":true,"messages":[{"role":"user","content":"1 + 2"}]})");
  REQUIRE(answer);
  CHECK(answer->get_header_value("Content-Type") == "text/event-stream");
  CHECK(answer->body.starts_with("data: {"));
  CHECK(answer->body.ends_with("data: [DONE]\n\n"));
}

TEST_CASE("a key is demanded where one is set", "[contract][serve]") {
  const auto server = served({.api_key = "k-123"});
  httplib::Client client("127.0.0.1", server->port());
  const auto refused = ask(client);
  CHECK(refused->status == 401);
  CHECK(refused->body.find("k-123") == std::string::npos);
  client.set_bearer_token_auth("k-124");
  CHECK(ask(client)->status == 401);
  client.set_bearer_token_auth("k-123");
  CHECK(ask(client)->status == 200);
}

TEST_CASE("limits are enforced and announced", "[contract][serve]") {
  ServerOptions options;
  SECTION("requests") {
    options.requests_per_minute = 2;
    options.burst_seconds = 60;
  }
  SECTION("tokens") {
    options.tokens_per_minute = 100;
    options.burst_seconds = 60;
  }
  const auto server = served(options);
  httplib::Client client("127.0.0.1", server->port());
  int answered = 0;
  auto reply = ask(client);
  for (; reply->status == 200 && answered < 10; reply = ask(client)) ++answered;
  CHECK(answered >= 1);
  CHECK(answered <= 2);
  CHECK(reply->status == 429);
  CHECK(reply->body.find("rate_limit_exceeded") != std::string::npos);
  CHECK(std::stoi(reply->get_header_value("Retry-After")) >= 1);
  const std::string what = options.requests_per_minute ? "requests" : "tokens";
  CHECK(reply->get_header_value("x-ratelimit-limit-" + what) == (options.requests_per_minute ? "2" : "100"));
  CHECK(reply->has_header("x-ratelimit-remaining-" + what));
  CHECK(reply->get_header_value("x-ratelimit-reset-" + what).ends_with("ms"));
  CHECK(server->counts().refused == 1);
}

TEST_CASE("a port in use is the user's mistake, in one line", "[contract][serve]") {
  const auto server = served();
  const auto second = OpenAiServer::start({.port = server->port()}, make_arithmetic_teacher(), kClock);
  REQUIRE_FALSE(second.has_value());
  CHECK(second.error().code == Errc::usage);
  CHECK(second.error().message.find(std::to_string(server->port())) != std::string::npos);
  CHECK(second.error().message.find('\n') == std::string::npos);
}

TEST_CASE("hundreds of kept-alive connections are served at once, and a stop does not wait for them",
          "[contract][serve]") {
  constexpr std::uint64_t kCount = 300;
  const auto server = served({.latency = 100ms});
  auto wire = make_curl_transport({.max_connections = 300}, kClock);
  REQUIRE_OK(wire);
  Transport& transport = **wire;
  for (std::uint64_t id = 1; id <= 2 * kCount; ++id) {
    HttpRequest request;
    request.url = server->base_url() + "/chat/completions";
    request.body = kBody;
    transport.submit({id}, std::move(request));
  }
  const auto outcomes = collect(transport, 2 * kCount);
  REQUIRE(outcomes.size() == 2 * kCount);
  for (const auto& [id, outcome] : outcomes) {
    REQUIRE(outcome.end.fault == NetFault::none);
    REQUIRE(outcome.head.status == 200);
  }
  CHECK(server->counts().answered == 2 * kCount);
  const Instant before = kClock.now();
  server->stop();  // the transport still holds its connections; their keep-alive is a minute
  CHECK(kClock.now() - before < 20s);
  server->stop();
}

}  // namespace
}  // namespace retort
