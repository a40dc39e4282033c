// What a server says about itself, before it is asked anything else.
#include "core/harvest/server_check.h"

#include "core/teacher/openai_chat.h"
#include "tests/catch.h"

using namespace retort;

namespace {

class Wire final : public Transport {
 public:
  std::vector<HttpRequest> sent;
  void submit(ExchangeId, HttpRequest request) override { sent.push_back(std::move(request)); }
  void cancel(ExchangeId) override {}
  void pause(ExchangeId, bool) override {}
  std::span<NetEvent> wait(Instant) override { return {}; }
  void wake() noexcept override {}
};

struct Scene {
  Wire wire;
  std::unique_ptr<Teacher> teacher = make_openai_chat({"http://t/v1", "m", {}, "max_tokens"});
  HarvestSettings settings;
  Scene() {
    settings.model = "m";
    settings.wait_until_ready = true;
    settings.credential = "key-0451";
  }
  /// Why it is not ready, after such a reply.
  std::optional<std::string> ask(ServerCheck& check, int status, const std::string& body,
                                 NetFault fault = NetFault::none) {
    check.ask({1}, nullptr);
    CHECK(check.owns({1}));
    ResponseHead head{{1}, {status, {}}};
    check.on(head);
    check.on(ResponseBytes{{1}, body});
    return check.on(ResponseEnd{{1}, fault, "refused, with key-0451", false, {}});
  }
};

}  // namespace

TEST_CASE("a server is waited for until it answers, and its context is kept") {
  Scene scene;
  ServerCheck check(scene.wire, *scene.teacher, scene.settings);
  CHECK_FALSE(check.done());
  CHECK(scene.ask(check, 0, "", NetFault::connect) == "no server: refused, with [redacted]");
  CHECK(scene.ask(check, 503, R"({"error":"Loading model"})") == "the server is not ready yet (503)");
  CHECK_FALSE(check.done());
  SECTION("vLLM") { CHECK_FALSE(scene.ask(check, 200, R"({"data":[{"id":"m","max_model_len":100}]})")); }
  SECTION("llama.cpp") { CHECK_FALSE(scene.ask(check, 200, R"({"data":[{"id":"m","meta":{"n_ctx_train":100}}]})")); }
  CHECK(check.done());
  CHECK(scene.wire.sent.back().url == "http://t/v1/models");
  CHECK(scene.wire.sent.back().method == "GET");
  CHECK_THAT(check.notice(), ContainsText("100 tokens"));
  CHECK(check.cannot_fit({50, 101, {}}, 101));       // the answer alone is too long
  CHECK(check.cannot_fit({12'000, 10, {}}, 10));     // 12,000 bytes are more than 100 tokens in any language
  CHECK_FALSE(check.cannot_fit({600, 20, {}}, 20));  // may fit: the server decides
}

TEST_CASE("another model is told, a server without a list is simply there") {
  Scene scene;
  ServerCheck check(scene.wire, *scene.teacher, scene.settings);
  SECTION("another model") {
    CHECK_FALSE(scene.ask(check, 200, R"({"data":[{"id":"other"},{"id":"third"}]})"));
    CHECK(check.notice() == "the server lists other and others, not m");
  }
  SECTION("our key as a model") {
    CHECK_FALSE(scene.ask(check, 200, R"({"data":[{"id":"a k\u0065y-0451"}]})"));
    CHECK(check.notice() == "the server lists a [redacted], not m");
  }
  SECTION("no such page") {
    CHECK_FALSE(scene.ask(check, 404, "<html>"));
    CHECK(check.notice().empty());
  }
  SECTION("junk") {
    CHECK_FALSE(scene.ask(check, 200, "[[[["));
    CHECK(check.notice().empty());
  }
  CHECK(check.done());
  CHECK_FALSE(check.cannot_fit({1'000'000, 1'000'000, {}}, 1'000'000));
}

TEST_CASE("a server that need not be waited for is not asked") {
  Scene scene;
  scene.settings.wait_until_ready = false;
  CHECK(ServerCheck(scene.wire, *scene.teacher, scene.settings).done());
}
