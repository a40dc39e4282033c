// What all dialects promise beside encoding and decoding: what they cannot say is refused before anything is sent, a
// key has its header, a server is asked for its models, and questions cost what they may.
#include "core/teacher/teacher.h"
#include "tests/catch.h"

namespace retort {
namespace {

std::unique_ptr<Teacher> make(const std::string& dialect) {
  return std::move(*make_teacher(dialect, {"http://t", "m", Prices({1, 10})}));
}

Json talk(const Json& content) { return Json::array({{{"role", "user"}, {"content", content}}}); }

Json image(const std::string& url) {
  return Json::array(
      {{{"type", "text"}, {"text", "What is this?"}}, {{"type", "image_url"}, {"image_url", {{"url", url}}}}});
}

std::string refused(const Result<void>& result) { return result ? "" : result.error().message; }

}  // namespace

TEST_CASE("several answers of one request are taken by those dialects that have them") {
  for (const auto& [dialect, most] : std::vector<std::pair<std::string, int>>{{"openai-chat", 128},
                                                                              {"openai-completions", 128},
                                                                              {"gemini", 8},
                                                                              {"openai-responses", 1},
                                                                              {"anthropic", 1},
                                                                              {"ollama", 1}}) {
    CAPTURE(dialect);
    CHECK(make(dialect)->accepts(Json::object(), most));
    CHECK_THAT(refused(make(dialect)->accepts(Json::object(), most + 1)), ContainsText("to one request"));
    CHECK_FALSE(make(dialect)->accepts(Json::object(), 0));
  }
  TeacherSettings one{"http://t", "m", Prices()};
  one.choices_max = 1;
  CHECK_FALSE((*make_teacher("openai-chat", one))->accepts(Json::object(), 2));
}

TEST_CASE("what is no sampling parameter, or has no such value, is refused by all") {
  for (const std::string& dialect : dialect_names()) {
    CAPTURE(dialect);
    for (const char* name : {"model", "messages", "stream", "n"})
      CHECK_THAT(refused(make(dialect)->accepts({{name, 1}}, 1)), ContainsText(std::string("'") + name + "'"));
    CHECK(make(dialect)->accepts({{"something_of_the_server", 1}}, 1));
  }
  CHECK_FALSE(make("anthropic")->accepts({{"reasoning_budget", "much"}}, 1));
  CHECK_FALSE(make("gemini")->accepts({{"reasoning_budget", -5}}, 1));
  CHECK_FALSE(make("anthropic")->accepts({{"response_format", {{"type", "json_object"}}}}, 1));
}

TEST_CASE("images are taken by the dialects that have them, in the form that they have") {
  for (const std::string& dialect : dialect_names()) {
    CAPTURE(dialect);
    const auto teacher = make(dialect);
    const bool data = dialect != "openai-completions";
    const bool urls = data && dialect != "ollama";
    CHECK(teacher->accepts_messages(talk(image("data:image/png;base64,AAAA"))).has_value() == data);
    CHECK(teacher->accepts_messages(talk(image("https://example.org/a.png"))).has_value() == urls);
    CHECK_FALSE(teacher->accepts_messages(talk(image("http://example.org/a.png"))));
    CHECK_FALSE(teacher->accepts_messages(talk(image("data:nonsense"))));
    const Json by_path = Json::array({{{"type", "image"}, {"path", "a.png"}}});
    CHECK_THAT(refused(teacher->accepts_messages(talk(by_path))), ContainsText("data URL"));
  }
}

TEST_CASE("conversations that a dialect cannot say are refused") {
  const Json late = Json::array({{{"role", "user"}, {"content", "a"}},
                                 {{"role", "assistant"}, {"content", "b"}},
                                 {{"role", "system"}, {"content", "c"}}});
  const Json only = Json::array({{{"role", "system"}, {"content", "c"}}});
  for (const std::string& dialect : dialect_names()) {
    CAPTURE(dialect);
    const auto teacher = make(dialect);
    const bool anywhere = dialect != "anthropic" && dialect != "gemini";
    CHECK(teacher->accepts_messages(late).has_value() == anywhere);
    CHECK(teacher->accepts_messages(only).has_value() == anywhere);
    for (const Json& wrong : {Json::array(), Json(1), Json::array({1}), Json::array({{{"content", "a"}}}), talk(7),
                              talk(Json::array({1})), talk(Json::array({{{"type", "text"}}}))}) {
      CAPTURE(wrong.dump());
      CHECK_FALSE(teacher->accepts_messages(wrong));
    }
  }
  CHECK_FALSE(make("openai-completions")
                  ->accepts_messages(Json::array({{{"role", "user"}, {"content", "a"}},
                                                  {{"role", "tool"}, {"tool_call_id", "1"}, {"content", "4"}}})));
}

TEST_CASE("a tool's result may follow a turn that says nothing") {
  const Json result = {{"role", "tool"}, {"tool_call_id", "1"}, {"content", "4"}};
  for (const Json& silent : {Json{{"role", "user"}, {"content", Json::array()}}, Json{{"role", "user"}},
                             Json{{"role", "assistant"}, {"content", ""}}}) {
    for (const std::string& dialect : dialect_names()) {
      const auto teacher = std::move(*make_teacher(dialect, {"http://t", "m", Prices()}));
      INFO(dialect << ": " << silent.dump());
      const Json messages = Json::array({silent, result, result});
      if (dialect == "openai-completions") {
        CHECK_FALSE(teacher->accepts_messages(messages));
        continue;
      }
      REQUIRE_OK(teacher->accepts_messages(messages));
      Question question;
      question.messages = messages;
      question.parameters = Json::object();
      const std::string body = teacher->encode(question).body;
      CHECK(parse_json(body).has_value());
      CHECK(body.find('4') != std::string::npos);
    }
  }
}

TEST_CASE("each dialect carries a key in its own header, and asks for models at its own place") {
  const auto key_of = [](const char* dialect) { return make(dialect)->credential_header("k"); };
  for (const char* dialect : {"openai-chat", "openai-responses", "openai-completions", "ollama"})
    CHECK(key_of(dialect) == HttpHeader("authorization", "Bearer k"));
  CHECK(key_of("anthropic") == HttpHeader("x-api-key", "k"));
  CHECK(key_of("gemini") == HttpHeader("x-goog-api-key", "k"));
  const auto facts = [](const char* dialect, const char* body) { return *make(dialect)->read_models({200, {}}, body); };
  CHECK(make("anthropic")->ask_models()->url == "http://t/v1/models");
  CHECK(make("ollama")->ask_models()->url == "http://t/api/tags");
  CHECK(facts("openai-chat", R"({"data":[{"id":"x"},{"id":"m","max_model_len":4096}]})").context_tokens == 4096);
  CHECK(facts("anthropic", R"({"data":[{"type":"model","id":"m"}],"has_more":false})").has_model);
  CHECK(facts("gemini", R"({"models":[{"name":"models/m","inputTokenLimit":1048576}]})").has_model);
  CHECK(facts("ollama", R"({"models":[{"name":"m:latest","model":"m:latest"}]})").models.size() == 1);
  CHECK(facts("ollama", R"({"models":[{"name":"m:latest","model":"m:latest"}]})").has_model);
  CHECK(facts("openai-chat", R"([{"id":"m"}])").has_model);
  CHECK_FALSE(make("gemini")->read_models({200, {}}, "<html>").has_value());
}

TEST_CASE("several answers are reckoned several times, and an image as more than its address") {
  for (const std::string& dialect : dialect_names()) {
    const auto teacher = make(dialect);
    Question question{talk("q"), Json::object(), 100, false, 3};
    CHECK(teacher->bound(question).output == 300);
    const Tokens plain = teacher->bound(question).input;
    question.messages = talk(image("data:image/png;base64,AAAA"));
    CHECK(teacher->bound(question).input > plain + 1000);
    question.parameters["tools"] = Json::array({std::string(500, 'x')});
    CHECK(teacher->bound(question).input > plain + 1500);
  }
}

TEST_CASE("an answer without an id of its own takes the request's") {
  const Reply reply = make("ollama")->decode(
      {200, {{"x-request-id", "req_9"}}}, R"({"model":"m","message":{"role":"assistant","content":"4"},"done":true})");
  CHECK(std::get<Answer>(reply).choices[0].provider_id == "req_9");
}

}  // namespace retort
