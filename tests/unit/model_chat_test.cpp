// The models' own chat templates: rendered as transformers renders them, with what is learned known to the token.
#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <map>

#include "core/base/files.h"
#include "core/base/hash.h"
#include "core/text/bpe_trainer.h"
#include "core/text/model_chat.h"
#include "tests/catch.h"

using namespace retort;

namespace {

std::string file(const std::string& name) {
  std::ifstream in(std::string(RETORT_SOURCE_DIR "/tests/unit/templates/") + name, std::ios::binary);
  REQUIRE(in.good());
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

struct Family {
  const char* name;
  const char* bos;
  const char* eos;
  std::vector<std::string> special, plain;  // added tokens
  const char* learned;                      // with reasoning "why" and answer "42"
  ReasoningPlace place;
};

const std::vector<Family>& families() {
  static const std::vector<Family> all = {
      {"qwen3",
       "",
       "<|im_end|>",
       {"<|im_start|>", "<|im_end|>"},
       {"<think>", "</think>"},
       "<think>\nwhy\n</think>\n\n42<|im_end|>",
       ReasoningPlace::by_template},
      {"qwen2.5",
       "",
       "<|im_end|>",
       {"<|im_start|>", "<|im_end|>"},
       {},
       "<think>\nwhy\n</think>\n\n42<|im_end|>",
       ReasoningPlace::inlined},
      {"smollm2",
       "",
       "<|im_end|>",
       {"<|im_start|>", "<|im_end|>"},
       {},
       "<think>\nwhy\n</think>\n\n42<|im_end|>",
       ReasoningPlace::inlined},
      {"phi-3.5",
       "<s>",
       "<|endoftext|>",
       {"<s>", "<|endoftext|>", "<|user|>", "<|assistant|>", "<|system|>", "<|end|>"},
       {},
       "<think>\nwhy\n</think>\n\n42<|end|>",
       ReasoningPlace::inlined},
      {"mistral-nemo",
       "<s>",
       "</s>",
       {"<s>", "</s>", "[INST]", "[/INST]"},
       {},
       "<think>\nwhy\n</think>\n\n42</s>",
       ReasoningPlace::inlined},
      {"deepseek-r1",
       "<s>",
       "<｜end▁of▁sentence｜>",
       {"<s>", "<｜end▁of▁sentence｜>", "<｜User｜>", "<｜Assistant｜>"},
       {"<think>", "</think>"},
       "why\n</think>\n\n42<｜end▁of▁sentence｜>",
       ReasoningPlace::prefilled},
      {"generation",
       "",
       "<|im_end|>",
       {"<|im_start|>", "<|im_end|>"},
       {},
       "<think>\nwhy\n</think>\n\n42<|im_end|>",
       ReasoningPlace::inlined},
  };
  return all;
}

ModelChat chat_of(const Family& family) {
  BpeTrainer trainer;
  trainer.add("What is it? Why? It is 42 because of that and the others");
  std::vector<AddedToken> added;
  for (const std::string& token : family.special) added.push_back({0, token, true});
  for (const std::string& token : family.plain) added.push_back({0, token, false});
  auto tokenizer = trainer.train({300, 2, added});
  REQUIRE_OK(tokenizer);
  ChatFormat format;
  format.chat_template = file(std::string(family.name) + ".jinja");
  format.bos_token = family.bos;
  format.eos_token = family.eos;
  auto chat = ModelChat::create(std::move(*tokenizer), format);
  REQUIRE_OK(chat);
  return std::move(*chat);
}

std::string learned_text(const ModelChat& chat, const ModelRow& row) {
  return chat.tokenizer().decode(std::span(row.ids).subspan(row.learned_from, row.learned_until - row.learned_from),
                                 true);
}

std::ptrdiff_t specials(const ModelChat& chat, const std::vector<TokenId>& ids) {
  return std::count_if(ids.begin(), ids.end(), [&](TokenId id) { return chat.tokenizer().added(id) != nullptr; });
}

struct Comparison {
  int same = 0, both_refuse = 0;
  std::map<std::string, std::string> refused;  // by us alone: template → why
  std::vector<std::string> differences;
};

Result<jinja::Text> rendered(const jinja::Template& chat, const Json& conversation, bool generation) {
  return chat.render({{"messages", jinja::from_json(conversation, jinja::kOutside)},
                      {"tools", jinja::None{}},
                      {"documents", jinja::None{}},
                      {"add_generation_prompt", generation},
                      {"bos_token", jinja::Text("<s>")},
                      {"eos_token", jinja::Text("</s>")}},
                     1714979289);
}

// Templates of a folder, against its expected.json.
Comparison compare(const std::string& folder) {
  const auto json = read_file(folder + "/expected.json");
  REQUIRE_OK(json);
  const Json expected = *parse_json(*json);
  Comparison found;
  for (const Json& one : expected["expected"]) {
    const std::string name = one["template"].get<std::string>();
    const std::size_t conversation = one["conversation"].get<std::size_t>();
    const auto source = read_file(folder + "/" + name);
    REQUIRE_OK(source);
    const auto read = jinja::Template::parse(*source);
    const auto text = read ? rendered(*read, expected["conversations"][conversation], one["generation"].get<bool>())
                           : Result<jinja::Text>(fail(read.error()));
    const bool they_refuse = one["sha256"].is_null();
    if (!text) {
      found.both_refuse += they_refuse ? 1 : 0;
      if (!they_refuse) found.refused[name] = text.error().message;
    } else if (!they_refuse && sha256_hex(text->bytes()) == one["sha256"].get<std::string>()) {
      ++found.same;
    } else {
      found.differences.push_back(name + ", conversation " + std::to_string(conversation) + ": " + text->bytes());
    }
  }
  return found;
}

}  // namespace

TEST_CASE("templates render as transformers renders them") {
  const Comparison found = compare(RETORT_SOURCE_DIR "/tests/unit/templates");
  for (const std::string& line : found.differences) UNSCOPED_INFO(line);
  CHECK(found.differences.empty());
  CHECK(found.refused.empty());
  CHECK(found.same > 80);
  CHECK(found.both_refuse > 4);
}

// RETORT_TEMPLATES: a folder with *.jinja and the expected.json that tests/references/make_template_expectations.py
// makes of them.
TEST_CASE("any templates render as transformers renders them, or are refused", "[.templates]") {
  const char* folder = std::getenv("RETORT_TEMPLATES");
  REQUIRE(folder != nullptr);
  const Comparison found = compare(folder);
  for (const auto& [name, why] : found.refused) WARN(name << " is refused: " << why);
  WARN(found.same << " texts equal, " << found.both_refuse << " refused by both");
  for (const std::string& line : found.differences) UNSCOPED_INFO(line);
  CHECK(found.differences.empty());
}

TEST_CASE("what is learned is the completion and its end, in every family") {
  const Json question = Json::array({{{"role", "user"}, {"content", "What is it?"}}});
  for (const Family& family : families()) {
    INFO(family.name);
    const ModelChat chat = chat_of(family);
    const auto row = chat.row(question, {"why", "42"});
    REQUIRE_OK(row);
    CHECK(row->reasoning == family.place);
    const std::string learned = learned_text(chat, *row);
    CHECK(std::string(learned.substr(learned.find_first_not_of(' '))) == family.learned);
    const AddedToken* last = chat.tokenizer().added(row->ids.back());
    REQUIRE(last != nullptr);
    CHECK(last->special);
    CHECK(row->learned_until == row->ids.size());
    const auto prompt = chat.prompt(question);
    REQUIRE_OK(prompt);
    CHECK(std::vector<TokenId>(row->ids.begin(), row->ids.begin() + static_cast<std::ptrdiff_t>(row->learned_from)) ==
          *prompt);
    const auto plain = chat.row(question, {"", "42"});
    REQUIRE_OK(plain);
    CHECK(learned_text(chat, *plain).find("42") != std::string::npos);
    CHECK(plain->reasoning == ReasoningPlace::none);
  }
}

TEST_CASE("what people and models wrote never becomes a special token, and moves no boundary") {
  for (const Family& family : families()) {
    const ModelChat chat = chat_of(family);
    const auto honest = chat.row(Json::array({{{"role", "user"}, {"content", "What?"}}}), {"", "It is 42"});
    REQUIRE_OK(honest);
    for (const std::string& forged : family.special) {
      INFO(family.name << " " << forged);
      const std::string text = "a" + forged + "b";
      const auto row = chat.row(Json::array({{{"role", "user"}, {"content", text}}}), {"", text});
      REQUIRE_OK(row);
      CHECK(specials(chat, row->ids) == specials(chat, honest->ids));
      CHECK(learned_text(chat, *row).find(text) != std::string::npos);
      if (*family.bos != '\0')
        CHECK(std::count(row->ids.begin(), row->ids.end(), *chat.tokenizer().added_id(family.bos)) <= 1);
    }
  }
}

TEST_CASE("an answer that the template would change is refused, not taught") {
  const ModelChat chat = chat_of(families().front());  // Qwen 3 cuts at </think>
  const Json question = Json::array({{{"role", "user"}, {"content", "q"}}});
  CHECK_FALSE(chat.row(question, {"", "a</think>b"}).has_value());
  CHECK(chat.row(question, {"r", "a</think>b"}).has_value());
  CHECK_FALSE(chat.row(question, {"r", ""}).has_value());
  CHECK_FALSE(chat.row(Json::array(), {"r", "a"}).has_value());
}

TEST_CASE("templates beyond the subset, hostile ones, and refusals name the line") {
  const auto error = [](const char* source) {
    const auto read = jinja::Template::parse(source);
    if (!read) return read.error().message;
    const auto text = read->render({}, 0);
    return text ? std::string() : text.error().message;
  };
  CHECK(error("a\n{% include 'x' %}") == "chat template, line 2: the tag 'include' is beyond the subset");
  CHECK(error("{{ x|pprint }}").find("'pprint' is beyond") != std::string::npos);
  CHECK(error("\n\n{{ raise_exception('no') }}") == "chat template, line 3: the template refuses this: no");
  CHECK(error("{{ messages.x }}").find("undefined") != std::string::npos);
  for (const char* hostile :
       {"{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}", "{{ 'a' * 999999999 }}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{% set s = namespace(x='a') %}{% for i in range(99) %}{% set s.x = s.x ~ s.x %}{% endfor %}",
        "{{ range(1000000000) }}", "{{ 1 // 0 }}", "{{ 9999999999 * 9999999999 }}", "{% for", "{{ 'a", "{{ ((((",
        "{% if x %}"}) {
    INFO(hostile);
    CHECK_FALSE(error(hostile).empty());
  }
  CHECK_FALSE(error((std::string(100'000, '(') + "1").insert(0, "{{ ").c_str()).empty());
}
