// docs/teachers.md promises what recorded exchanges and the codecs themselves hold: each cell of its tables is looked
// up.
#include <filesystem>
#include <functional>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "cli/config.h"
#include "core/batch/batch_api.h"
#include "core/teacher/presets.h"
#include "tests/catch.h"
#include "tests/support/recorded_exchange.h"
#include "tests/support/temporary_folder.h"

namespace retort {
namespace {

using Cells = std::vector<std::string>;

const std::string& page() {
  static const std::string text = read_bytes(RETORT_SOURCE_DIR "/docs/teachers.md");
  return text;
}

/// The rows of the table under a heading, its title first, the rule left out.
std::vector<Cells> table_under(const std::string& heading) {
  std::istringstream lines(page().substr(page().find("\n## " + heading + "\n") + 1));
  std::vector<Cells> rows;
  for (std::string line; std::getline(lines, line);) {
    if (line.rfind("## ", 0) == 0 && line != "## " + heading) break;
    if (line.rfind("| ", 0) != 0) continue;
    Cells cells;
    for (std::size_t at = 1; at < line.size();) {
      const std::size_t end = line.find('|', at);
      const std::string cell = line.substr(at, end - at);
      const std::size_t first = cell.find_first_not_of(' ');
      cells.push_back(first == std::string::npos ? "" : cell.substr(first, cell.find_last_not_of(' ') + 1 - first));
      at = end + 1;
    }
    rows.push_back(std::move(cells));
  }
  return rows;
}

Cells quoted(const std::string& cell) {
  static const std::regex pattern("`([^`]+)`");
  Cells found;
  for (std::sregex_iterator at(cell.begin(), cell.end(), pattern), end; at != end; ++at) found.push_back((*at)[1]);
  return found;
}

bool is_exchange(const std::string& name) {
  return std::filesystem::exists(RETORT_SOURCE_DIR "/tests/exchanges/" + name + ".exchange");
}

Json value_of(const std::string& parameter) {
  const Json schema = {{"type", "object"}};
  const std::map<std::string, Json> values = {
      {"stop", "END"},
      {"logprobs", true},
      {"top_logprobs", 2},
      {"reasoning_effort", "low"},
      {"reasoning_budget", 1024},
      {"response_format", {{"type", "json_schema"}, {"json_schema", {{"name", "s"}, {"schema", schema}}}}},
      {"tools", Json::array({{{"type", "function"}, {"function", {{"name", "f"}, {"parameters", schema}}}}})},
      {"tool_choice", "auto"},
      {"top_k", 40},
      {"seed", 7}};
  const auto found = values.find(parameter);
  return found == values.end() ? Json(0.5) : found->second;
}

const std::map<std::string, RecordedExchange>& recorded() {
  static const auto all = [] {
    std::map<std::string, RecordedExchange> named;
    for (RecordedExchange& one : recorded_exchanges(RETORT_SOURCE_DIR "/tests/exchanges")) {
      const std::string name = one.name;
      named.emplace(name, std::move(one));
    }
    return named;
  }();
  return all;
}

/// Whether an exchange shows the feature that a row of the page claims for it.
using Shows = std::function<bool(const RecordedExchange&)>;

const std::map<std::string, Shows>& features() {
  const auto answer = [](const RecordedExchange& e) -> const Json& { return json_child(e.decoded, "answer"); };
  const auto usage = [answer](const RecordedExchange& e) -> const Json& { return json_child(answer(e), "usage"); };
  const auto first = [answer](const RecordedExchange& e) {
    const Json& choices = json_child(answer(e), "choices");
    return choices.empty() ? Json() : choices.at(0);
  };
  const auto rejected = [](const RecordedExchange& e) -> const Json& { return json_child(e.decoded, "rejection"); };
  const auto asked = [](const RecordedExchange& e, const char* word) {
    return e.question && json_child(*e.question, "parameters").contains(word);
  };
  const auto has = [first](const char* word) {
    return [=](const RecordedExchange& e) { return first(e).contains(word); };
  };
  const auto streamed = [](const RecordedExchange& e) { return e.name.find("/stream") != std::string::npos; };
  const auto says = [rejected](std::set<std::string> kinds) {
    return [=](const RecordedExchange& e) { return kinds.count(json_text(rejected(e), "kind")) == 1; };
  };
  static const std::map<std::string, Shows> all = {
      {"answer, usage, served model, ids",
       [=](const RecordedExchange& e) {
         return usage(e).contains("input") && usage(e).contains("output") && first(e).contains("served_model") &&
                (first(e).contains("provider_id") || e.dialect == "ollama");
       }},
      {"stream", [=](const RecordedExchange& e) { return streamed(e) && !json_text(first(e), "text").empty(); }},
      {"cut stream kept as partial",
       [=](const RecordedExchange& e) {
         return streamed(e) && json_text(rejected(e), "word") == "stream_cut" && rejected(e).contains("partial");
       }},
      {"error within a stream",
       [=](const RecordedExchange& e) { return streamed(e) && e.head.status == 200 && !rejected(e).is_null(); }},
      {"several answers of one request",
       [=](const RecordedExchange& e) { return e.asked().choices > 1 && !answer(e).is_null(); }},
      {"reasoning", has("reasoning")},
      {"cached input counted", [=](const RecordedExchange& e) { return usage(e).value("cached_input", 0) > 0; }},
      {"log probabilities", has("logprobs")},
      {"tool calls", has("tool_calls")},
      {"images",
       [=](const RecordedExchange& e) {
         return e.question && e.question->dump().find("\"image_url\"") != std::string::npos && !answer(e).is_null();
       }},
      {"answer by a JSON schema",
       [=](const RecordedExchange& e) {
         if (!asked(e, "response_format")) return false;
         const Json& wanted = e.question->at("parameters").at("response_format");
         return e.request.dump().find(wanted.at("json_schema").at("schema").dump()) != std::string::npos;
       }},
      {"prefilled answer",
       [](const RecordedExchange& e) {
         return e.question && json_text(e.question->at("messages").back(), "role") == "assistant";
       }},
      {"truncated", [=](const RecordedExchange& e) { return json_text(first(e), "finish") == "length"; }},
      {"refusal or filter",
       [=](const RecordedExchange& e) {
         const std::string finish = json_text(first(e), "finish");
         return finish == "refusal" || finish == "content_filter" || first(e).contains("refusal");
       }},
      {"wrong key, no such model, bad request",
       [=](const RecordedExchange& e) { return e.head.status / 100 == 4 && !rejected(e).is_null(); }},
      {"rate limit, overload", says({"rate_limited", "transient"})},
      {"quota used up", says({"quota"})},
      {"error under status 200, malformed reply",
       [=](const RecordedExchange& e) { return e.head.status == 200 && !rejected(e).is_null(); }},
  };
  return all;
}

}  // namespace

TEST_CASE("each cell of what works names exchanges that show it, or says that there are none", "[docs]") {
  const std::vector<Cells> rows = table_under("What works");
  REQUIRE(rows.size() > 10);
  CHECK(Cells(rows[0].begin() + 1, rows[0].end()) == dialect_names());
  for (std::size_t r = 1; r < rows.size(); ++r) {
    REQUIRE(rows[r].size() == rows[0].size());
    REQUIRE(features().count(rows[r][0]) == 1);
    const Shows& shows = features().at(rows[r][0]);
    for (std::size_t c = 1; c < rows[r].size(); ++c) {
      CAPTURE(rows[r][0], rows[0][c]);
      const Cells names = quoted(rows[r][c]);
      if (names.empty()) CHECK((rows[r][c] == "none" || rows[r][c] == "not tried"));
      for (const std::string& name : names) {
        CAPTURE(name);
        const auto exchange = recorded().find(rows[0][c] + "/" + name);
        REQUIRE(exchange != recorded().end());
        CHECK(shows(exchange->second));
      }
    }
  }
}

TEST_CASE("each parameter goes where the page says, or is refused where it says so", "[docs]") {
  const std::vector<Cells> rows = table_under("Parameters");
  REQUIRE(rows.size() > 10);
  REQUIRE(Cells(rows[0].begin() + 1, rows[0].end()) == dialect_names());
  for (std::size_t r = 1; r < rows.size(); ++r) {
    REQUIRE(rows[r].size() == rows[0].size());
    const std::string word = quoted(rows[r][0]).at(0);
    for (std::size_t c = 1; c < rows[r].size(); ++c) {
      CAPTURE(word, rows[0][c]);
      const auto teacher = std::move(*make_teacher(rows[0][c], {"http://t", "m", Prices()}));
      Question question;
      question.messages = Json::array({{{"role", "user"}, {"content", "q"}}});
      question.parameters = Json::object();
      if (word == "max_tokens")
        question.max_tokens = 64;
      else
        question.parameters[word] = value_of(word);
      CHECK(teacher->accepts(question.parameters, 1).has_value() == (rows[r][c] != "refused"));
      if (rows[r][c] == "refused") continue;
      std::string pointer = "/" + quoted(rows[r][c]).at(0);
      for (char& letter : pointer) letter = letter == '.' ? '/' : letter;
      const Json body = *parse_json(teacher->encode(question).body);
      CAPTURE(body.dump());
      CHECK(body.contains(Json::json_pointer(pointer)));
      if ("/" + word != pointer) CHECK_FALSE(body.contains(word));
    }
  }
}

TEST_CASE("the presets of the page are those of the program, and none says what outputs may be used for", "[docs]") {
  const std::vector<Cells> rows = table_under("Presets");
  REQUIRE(rows.size() == presets().size() + 1);
  for (std::size_t i = 0; i < presets().size(); ++i) {
    const Preset& preset = presets()[i];
    const Cells& row = rows[i + 1];
    CAPTURE(preset.name);
    CHECK(quoted(row.at(0)) == Cells{std::string(preset.name)});
    CHECK(row.at(1) == preset.dialect);
    CHECK(row.at(2) == preset.base_url);
    CHECK(row.at(3) == preset.terms_url);
    for (const std::string& name : quoted(row.at(4)))
      CHECK((name.find('/') == std::string::npos || is_exchange(name) || name.find("://") != std::string::npos));
    const std::string own_place = preset.base_url.empty() ? "base_url = \"http://127.0.0.1:1/v1\"\n" : "";
    const auto parsed = parse_configuration(
        "[teacher.t]\nmodel = \"m\"\npreset = \"" + std::string(preset.name) + "\"\n" + own_place, "retort.toml");
    REQUIRE_OK(parsed);
    const TeacherProfile& profile = parsed->teachers.at("t");
    CHECK(profile.identity.dialect == preset.dialect);
    CHECK(profile.terms.terms_url == preset.terms_url);
    CHECK_FALSE(profile.terms.outputs_may_train.has_value());
    CHECK(make_teacher(profile.identity.dialect, profile.settings).has_value());
  }
}

TEST_CASE("presets without a recorded exchange ask as the page says", "[docs]") {
  for (const char* name : {"groq", "azure-openai"}) {
    CAPTURE(name);
    const Preset& preset = *find_preset(name);
    TeacherSettings settings{"http://t/v1", "m", Prices()};
    preset.quirks(settings);
    const auto teacher = std::move(*make_teacher(std::string(preset.dialect), settings));
    Question question;
    question.messages = Json::array({{{"role", "user"}, {"content", "q"}}});
    question.parameters = Json::object();
    question.max_tokens = 64;
    const Json body = *parse_json(teacher->encode(question).body);
    CHECK(body.value("max_completion_tokens", 0) == 64);
    CHECK_FALSE(body.contains("max_tokens"));
    const bool azure = std::string(name) == "azure-openai";
    CHECK(teacher->credential_header("k").first == (azure ? "api-key" : "authorization"));
    CHECK(teacher->accepts(Json::object(), 2).has_value() == azure);
  }
}

TEST_CASE("the page says which dialects have a batch API, how much it takes, and whose batches are cheaper", "[docs]") {
  const std::vector<Cells> rows = table_under("Batches");
  REQUIRE(rows.size() == dialect_names().size() + 1);
  for (std::size_t i = 0; i < dialect_names().size(); ++i) {
    const Cells& row = rows[i + 1];
    CAPTURE(row.at(0));
    CHECK(row.at(0) == dialect_names()[i]);
    const auto api = make_batch_api(row.at(0), "http://t/v1", {});
    CHECK(api.has_value() == (row.at(1) != "none"));
    if (!api) continue;
    CHECK(row.at(2) == std::to_string((*api)->size_max().requests));
    CHECK(row.at(3) == std::to_string((*api)->size_max().bytes));
  }
  const std::size_t at = page().find("Half price is set by the presets");
  const Cells named = quoted(page().substr(at, page().find("which publish it", at) - at));
  Cells cheaper;
  for (const Preset& preset : presets()) {
    if (preset.batch_price_factor == 0.5) cheaper.emplace_back(preset.name);
  }
  CHECK(named == cheaper);
}

TEST_CASE("what stands beside a preset counts more, and an unknown one is refused", "[docs]") {
  const auto parsed = parse_configuration(
      "[teacher.t]\nbase_url = \"http://127.0.0.1:9/v1\"\npreset = \"openai\"\nmodel = \"m\"\n"
      "inline_reasoning = \"opened\"\n[teacher.t.parameters]\nmax_tokens = 9\n",
      "retort.toml");
  REQUIRE_OK(parsed);
  const TeacherProfile& profile = parsed->teachers.at("t");
  CHECK(profile.identity.base_url == "http://127.0.0.1:9/v1");
  CHECK(profile.settings.max_tokens_name == "max_completion_tokens");
  CHECK(profile.settings.inline_reasoning == InlineReasoning::opened);
  const auto azure = parse_configuration(
      "[teacher.t]\npreset = \"azure-openai\"\nbase_url = \"https://r.openai.azure.com/openai/v1\"\nmodel = \"d\"\n",
      "");
  REQUIRE_OK(azure);
  const auto teacher = std::move(*make_teacher("openai-chat", azure->teachers.at("t").settings));
  CHECK(teacher->credential_header("k") == HttpHeader("api-key", "k"));
  const auto unknown = parse_configuration("[teacher.t]\npreset = \"antropic\"\nmodel = \"m\"\n", "retort.toml");
  REQUIRE_FALSE(unknown.has_value());
  CHECK_THAT(unknown.error().message, ContainsText("anthropic"));
}

TEST_CASE("there is an example for each dialect, and each parses and is accepted", "[docs]") {
  std::map<std::string, int> dialects;
  for (std::size_t at = page().find("```toml\n"); at != std::string::npos; at = page().find("```toml\n", at)) {
    at += 8;
    const std::string example = page().substr(at, page().find("```", at) - at);
    CAPTURE(example);
    const auto parsed = parse_configuration(example, "docs/teachers.md");
    REQUIRE_OK(parsed);
    const TeacherProfile& profile = parsed->teachers.begin()->second;
    ++dialects[profile.identity.dialect];
    const auto teacher = std::move(*make_teacher(profile.identity.dialect, profile.settings));
    CHECK(teacher->accepts(profile.parameters, 1).has_value());
  }
  for (const std::string& name : dialect_names()) CHECK(dialects[name] >= 1);
}

}  // namespace retort
