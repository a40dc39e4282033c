// The bytes of every exported line.
#include "core/export/format.h"

#include "core/base/text.h"
#include "tests/catch.h"
#include "tests/support/memory_reader.h"

namespace retort {
namespace {

std::string line(const Pair& pair, const std::string& name, FormatOptions options = {}) {
  const auto format = make_format(name, options);
  REQUIRE_OK(format);
  const RenderedPair rendered = format.value()->render(pair);
  CHECK(rendered.line.has_value() == rendered.left_out.empty());
  return rendered.line ? *rendered.line : "left out: " + rendered.left_out;
}

Pair reasoned() {
  Pair pair = make_pair(7, "1+1?", "2");
  pair.answer.reasoning = "One and one.";
  return pair;
}

constexpr FormatOptions bare(ReasoningStyle reasoning, bool plain = false) { return {reasoning, plain, true}; }

TEST_CASE("chat lines", "[format]") {
  CHECK(line(reasoned(), "chat") ==
        R"({"messages":[{"content":"1+1?","role":"user"},)"
        R"({"content":"2","reasoning_content":"One and one.","role":"assistant"}],)"
        R"("retort":{"finish":"stop","licence":"MIT","model":"model-1","response":7,"row":7,)"
        R"("source":"prompts.jsonl","teacher":"teacher"}})");
  CHECK(line(reasoned(), "chat", bare(ReasoningStyle::drop)) ==
        R"({"messages":[{"content":"1+1?","role":"user"},{"content":"2","role":"assistant"}]})");
  CHECK(line(reasoned(), "chat", bare(ReasoningStyle::inline_tag)) ==
        R"({"messages":[{"content":"1+1?","role":"user"},)"
        R"({"content":"<think>One and one.</think>\n\n2","role":"assistant"}]})");
}

TEST_CASE("prompt-completion lines", "[format]") {
  CHECK(line(reasoned(), "prompt-completion", bare(ReasoningStyle::separate)) ==
        R"({"completion":[{"content":"2","reasoning_content":"One and one.","role":"assistant"}],)"
        R"("prompt":[{"content":"1+1?","role":"user"}]})");
  CHECK(line(reasoned(), "prompt-completion", bare(ReasoningStyle::separate, true)) ==
        R"({"completion":"2","prompt":"1+1?","reasoning":"One and one."})");
  CHECK(line(reasoned(), "prompt-completion", bare(ReasoningStyle::inline_tag, true)) ==
        R"({"completion":"<think>One and one.</think>\n\n2","prompt":"1+1?"})");
}

TEST_CASE("keys and types do not depend on the pair", "[format]") {
  const Pair silent = make_pair(1, "1+1?", "2");  // no reasoning
  CHECK(line(silent, "chat", bare(ReasoningStyle::separate)) ==
        R"({"messages":[{"content":"1+1?","role":"user"},{"content":"2","reasoning_content":"","role":"assistant"}]})");
  CHECK(line(silent, "chat", bare(ReasoningStyle::inline_tag)) ==
        R"({"messages":[{"content":"1+1?","role":"user"},{"content":"2","role":"assistant"}]})");

  Pair parts = silent;  // text in parts, and keys that other lines lack
  parts.messages = parse_json(R"([{"role":"system","content":"Be brief.","name":"boss"},)"
                              R"({"role":"user","content":[{"type":"text","text":"1+"},{"type":"text","text":"1?"}]}])")
                       .value();
  CHECK(line(parts, "chat", bare(ReasoningStyle::drop)) ==
        R"({"messages":[{"content":"Be brief.","role":"system"},{"content":"1+1?","role":"user"},)"
        R"({"content":"2","role":"assistant"}]})");
}

// What does not fit the columns, or lacks one at the top.
std::string misfit(const Json& shape, const Json& value, bool in_list = false) {
  if (shape == "text") return value.is_string() ? "" : value.dump();
  if (shape == "integer") return value.is_number_integer() ? "" : value.dump();
  if (shape.is_array()) {
    for (const Json& element : value) {
      if (auto wrong = misfit(shape.at(0), element, true); !wrong.empty()) return wrong;
    }
    return value.is_array() ? "" : value.dump();
  }
  for (const auto& [key, part] : shape.items()) {
    if (!value.contains(key) && !in_list) return "lacks " + key;
    if (auto wrong = value.contains(key) ? misfit(part, value[key]) : ""; !wrong.empty()) return wrong;
  }
  for (const auto& [key, part] : value.items()) {
    if (!shape.contains(key)) return "has " + key;
  }
  return "";
}

TEST_CASE("every line is made of its format's columns", "[format]") {
  const Pair silent = make_pair(1, "1+1?", "2");
  for (const std::string name : {"chat", "prompt-completion", "alpaca", "sharegpt", "preference"}) {
    for (const auto reasoning : {ReasoningStyle::separate, ReasoningStyle::inline_tag, ReasoningStyle::drop}) {
      for (const int options : {0, 1, 2, 3}) {
        const bool plain = (options & 1) != 0, is_bare = (options & 2) != 0;
        if (plain && name != "prompt-completion") continue;
        CAPTURE(name, static_cast<int>(reasoning), plain, is_bare);
        const auto format = make_format(name, {reasoning, plain, is_bare}).value();
        for (const Pair& pair : {reasoned(), silent}) {
          const Json made = parse_json(format->render(pair, &silent).line.value()).value();
          CHECK(misfit(format->columns(), made) == "");
        }
      }
    }
  }
  CHECK(misfit({{"a", "text"}}, {{"a", 1}}) == "1");
  CHECK(misfit({{"a", "text"}}, {{"a", "1"}, {"b", 2}}) == "has b");
  CHECK(misfit({{"a", "text"}}, Json::object()) == "lacks a");
}

TEST_CASE("a refusal is an answer", "[format]") {
  Pair pair = make_pair(1, "Do harm.", "");
  pair.answer.refusal = "I can't help with that.";
  pair.answer.finish = Finish::refusal;
  const Json parsed = parse_json(line(pair, "chat")).value();
  CHECK(parsed["messages"][1]["content"] == "I can't help with that.");
  CHECK(parsed["retort"]["finish"] == "refusal");
}

TEST_CASE("what a format cannot say is left out with a word", "[format]") {
  Pair picture = make_pair(1, "", "A cat.");
  picture.messages =
      parse_json(R"([{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://e.org/c.png"}}]}])")
          .value();
  CHECK(line(picture, "chat") == "left out: not_text");
  Pair call = make_pair(1, "1+1?", "");
  call.answer.tool_calls = Json::array({{{"id", "1"}}});
  CHECK(line(call, "chat") == "left out: tool_calls");
  CHECK(line(call, "prompt-completion") == "left out: tool_calls");
  Pair conversation = make_pair(1, "1+1?", "2");
  conversation.messages.insert(conversation.messages.begin(), Json{{"role", "system"}, {"content", "Be brief."}});
  CHECK(line(conversation, "prompt-completion", bare(ReasoningStyle::drop, true)) == "left out: not_one_user_message");
  Pair strange = make_pair(1, "1+1?", "2");
  strange.messages = "no list";
  CHECK(line(strange, "chat") == "left out: not_text");
}

TEST_CASE("one line of valid UTF-8, whatever was answered", "[format]") {
  static constexpr char kStrange[] = "a\0b\nc\r\x1b\xe2\x80\xa8 é 東 \xed\xa0\x80";
  Pair pair = make_pair(1, "say \xff", std::string(kStrange, sizeof kStrange - 1));
  const std::string text = line(pair, "chat");
  CHECK(is_valid_utf8(text));
  CHECK(text.find('\n') == std::string::npos);
  CHECK(text.find('\0') == std::string::npos);
  CHECK(text.find("a\\u0000b\\nc\\r\\u001b") != std::string::npos);
  CHECK(line(pair, "chat") == text);
}

TEST_CASE("formats and places have names", "[format]") {
  CHECK(make_format("parquet", {}).error().code == Errc::usage);
  CHECK(make_format("chat", {ReasoningStyle::drop, true, false}).error().code == Errc::usage);
  CHECK(reasoning_style_of("inline").value() == ReasoningStyle::inline_tag);
  CHECK(!reasoning_style_of("beside"));
}

}  // namespace
}  // namespace retort
