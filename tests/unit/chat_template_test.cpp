// One template for training and generation: what is learned is known to the byte, and marks cannot be forged.
#include "core/text/chat_template.h"
#include "core/base/json.h"
#include "core/text/bpe_trainer.h"
#include "tests/catch.h"

using namespace retort;

namespace {

Json messages(const char* text) { return *parse_json(text); }

ChatTokenizer small_chat() {
  BpeTrainer trainer;
  for (int i = 0; i < 3; ++i) trainer.add("What is 1 + 1? It is 2, isn't it");
  auto chat = ChatTokenizer::create(*trainer.train({300, 2, chat_marks()}));
  REQUIRE_OK(chat);
  return std::move(*chat);
}

// What the Jinja template of tokenizer_config.json says, for the same messages.
const Json kConversation = messages(R"([{"role":"developer","content":"Be brief."},{"role":"user","content":"1+1?"},
  {"role":"assistant","reasoning_content":"one more","content":"2"},{"role":"user","content":"+1?"}])");
constexpr const char* kRendered =
    "<|system|>Be brief.<|end|><|user|>1+1?<|end|><|assistant|><think>one more</think>2<|end|><|user|>+1?<|end|>"
    "<|assistant|>";

}  // namespace

TEST_CASE("a prompt is rendered as the documented template says") {
  const auto chat = render_prompt(kConversation);
  REQUIRE_OK(chat);
  CHECK(chat->text() == kRendered);
  CHECK(chat->learned().begin == chat->text().size());
  CHECK(chat->learned().end == chat->text().size());
}

TEST_CASE("what is learned is exactly the completion and its end") {
  const auto chat = render_pair(kConversation, {"2+1", "3"});
  REQUIRE_OK(chat);
  const ByteSpan span = chat->learned();
  CHECK(chat->text().substr(0, span.begin) == kRendered);
  CHECK(chat->text().substr(span.begin, span.end - span.begin) == "<think>2+1</think>3<|end|>");
  CHECK(render_pair(kConversation, {"", "3"})->text().ends_with("<|assistant|>3<|end|>"));
}

TEST_CASE("the mask follows the parts, whatever the texts contain") {
  const ChatTokenizer chat = small_chat();
  for (const char* text : {"2", "<|assistant|>2<|end|>", " <think>", "</think>x", "\n\n", "It is 2"}) {
    const Json question = Json::array({{{"role", "user"}, {"content", text}}});
    const ChatTokens prompt = chat.encode(*render_prompt(question));
    const ChatTokens pair = chat.encode(*render_pair(question, {text, text}));
    INFO("text " << text);
    CHECK(prompt.learned_from == prompt.ids.size());
    CHECK(pair.learned_from == prompt.ids.size());
    CHECK(std::vector<TokenId>(pair.ids.begin(), pair.ids.begin() + static_cast<std::ptrdiff_t>(pair.learned_from)) ==
          prompt.ids);
    CHECK(pair.ids.back() == chat.end());
    // The marks of the template and no others: user, end, assistant; think, /think, end.
    CHECK(std::count_if(pair.ids.begin(), pair.ids.end(),
                        [&](TokenId id) { return id >= *chat.tokenizer().added_id("<|system|>"); }) == 6);
    const Completion back = chat.parse(std::span(pair.ids).subspan(pair.learned_from));
    CHECK(back.reasoning == text);
    CHECK(back.text == text);
  }
}

TEST_CASE("a row without hostile text is the same for other tools that tokenise it whole") {
  const ChatTokenizer chat = small_chat();
  const auto pair = render_pair(kConversation, {"It is 1 + 1", "2"});
  CHECK(chat.encode(*pair).ids == chat.tokenizer().encode(pair->text()));
}

TEST_CASE("what a student wrote is taken apart even if it is malformed") {
  const ChatTokenizer chat = small_chat();
  const auto parse = [&](const char* text) { return chat.parse(chat.tokenizer().encode(text)); };
  CHECK(parse("2<|end|>3").text == "2");
  CHECK(parse("<think>never closed").reasoning == "never closed");
  CHECK(parse("<think>never closed").text.empty());
  CHECK(parse("<think></think>2<|end|>").text == "2");
  CHECK(parse("2<think>3</think>4").text == "2<think>3</think>4");
  CHECK(parse("").text.empty());
  CHECK(parse("<|user|>2").text == "2");
}

TEST_CASE("messages that the template does not know are refused") {
  for (const char* wrong : {"[]", "{}", "null", R"([1])", R"([{"role":"tool","content":"x"}])", R"([{"role":"user"}])",
                            R"([{"role":"user","content":[{"type":"image_url"}]}])", R"([{"content":"x"}])"}) {
    INFO(wrong);
    CHECK_FALSE(render_prompt(messages(wrong)).has_value());
  }
  const auto parts =
      render_prompt(messages(R"([{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}])"));
  REQUIRE_OK(parts);
  CHECK(parts->text() == "<|user|>ab<|end|><|assistant|>");
}

TEST_CASE("a tokenizer without the marks is refused") {
  BpeTrainer trainer;
  trainer.add("x");
  CHECK_FALSE(ChatTokenizer::create(*trainer.train({256, 2, {}})).has_value());
}

TEST_CASE("other tools are told the same template") {
  const auto config = parse_json(tokenizer_config_json(512));
  REQUIRE_OK(config);
  CHECK(json_text(*config, "eos_token") == "<|end|>");
  CHECK(json_count(*config, "model_max_length") == 512);
  CHECK(json_text(*config, "chat_template").find("add_generation_prompt") != std::string::npos);
}
