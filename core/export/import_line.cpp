#include "core/export/import_line.h"

#include "core/corpus/metadata.h"

namespace retort {
namespace {

// By one format or another; what is metadata does not depend on which.
constexpr const char* kUsed[] = {"messages", "conversations", "prompt",    "completion", "instruction", "input",
                                 "output",   "system",        "reasoning", "reference",  "retort"};
constexpr std::string_view kThink = "<think>", kThinkEnd = "</think>\n\n";

Failure wrong(const std::string& what) { return fail(Errc::usage, what); }

// Role and text of each; the last one must be the assistant's.
Result<ImportedPair> from_messages(const Json& messages) {
  if (!messages.is_array() || messages.size() < 2) return wrong("'messages' is no list of a question and an answer");
  ImportedPair pair;
  pair.messages = Json::array();
  for (const Json& message : messages) {
    if (!message.is_object() || !message.contains("content") || !message["content"].is_string() ||
        json_text(message, "role").empty()) {
      return wrong("a message lacks its role, or its content as text");
    }
    pair.messages.push_back({{"role", message["role"]}, {"content", message["content"]}});
  }
  if (json_text(messages.back(), "role") != "assistant") return wrong("the last message is not the assistant's");
  pair.messages.erase(pair.messages.size() - 1);
  pair.answer.text = json_text(messages.back(), "content");
  pair.answer.reasoning = json_text(messages.back(), "reasoning_content");
  return pair;
}

Result<ImportedPair> from_prompt_completion(const Json& line) {
  const Json &prompt = line["prompt"], &completion = line["completion"];
  if (prompt.is_string() && completion.is_string()) {
    return from_messages(
        Json::array({{{"role", "user"}, {"content", prompt}}, {{"role", "assistant"}, {"content", completion}}}));
  }
  if (!prompt.is_array() || !completion.is_array() || completion.size() != 1)
    return wrong("'prompt' and 'completion' are neither two texts nor two lists of messages");
  Json messages = prompt;
  messages.push_back(completion[0]);
  return from_messages(messages);
}

Result<ImportedPair> from_alpaca(const Json& line) {
  if (!line["instruction"].is_string() || !line["output"].is_string())
    return wrong("'instruction' and 'output' are no texts");
  Json messages = Json::array();
  if (const std::string system = json_text(line, "system"); !system.empty())
    messages.push_back({{"role", "system"}, {"content", system}});
  const std::string input = json_text(line, "input");
  messages.push_back(
      {{"role", "user"}, {"content", json_text(line, "instruction") + (input.empty() ? "" : "\n\n" + input)}});
  messages.push_back({{"role", "assistant"}, {"content", line["output"]}});
  return from_messages(messages);
}

Result<ImportedPair> from_sharegpt(const Json& turns) {
  if (!turns.is_array()) return wrong("'conversations' is no list");
  Json messages = Json::array();
  for (const Json& turn : turns) {
    const std::string from = json_text(turn, "from");
    const char* role = from == "human" || from == "user"      ? "user"
                       : from == "gpt" || from == "assistant" ? "assistant"
                       : from == "system"                     ? "system"
                                                              : nullptr;
    if (from.empty() || !turn.contains("value")) return wrong("a turn of 'conversations' lacks 'from' or 'value'");
    if (role == nullptr)
      return wrong("a turn of 'conversations' is from '" + from.substr(0, 40) + "': human, gpt and system are known");
    messages.push_back({{"role", role}, {"content", turn["value"]}});
  }
  return from_messages(messages);
}

}  // namespace

Result<ImportedPair> imported_pair(std::string_view text) {
  auto line = parse_json(text);
  if (!line) return fail(line.error());
  if (!line->is_object()) return wrong("is no JSON object");
  Json& object = *line;
  if (object.contains("chosen") && object.contains("rejected"))
    return wrong(
        "is a preference pair: what was rejected must not become an answer to learn; import what it was made of");
  Result<ImportedPair> pair = object.contains("messages")        ? from_messages(object["messages"])
                              : object.contains("conversations") ? from_sharegpt(object["conversations"])
                              : object.contains("prompt") && object.contains("completion")
                                  ? from_prompt_completion(object)
                              : object.contains("instruction") && object.contains("output")
                                  ? from_alpaca(object)
                                  : Result<ImportedPair>(wrong("has none of 'messages', 'conversations', "
                                                               "'prompt' with 'completion', 'instruction' "
                                                               "with 'output'"));
  if (!pair) return pair;
  Response& answer = pair->answer;
  if (answer.reasoning.empty()) answer.reasoning = json_text(object, "reasoning");
  const std::size_t end = answer.text.find(kThinkEnd);
  if (answer.reasoning.empty() && answer.text.rfind(kThink, 0) == 0 && end != std::string::npos) {
    answer.reasoning = answer.text.substr(kThink.size(), end - kThink.size());
    answer.text = answer.text.substr(end + kThinkEnd.size());
  }
  answer.finish = Finish::stop;
  if (const auto reference = object.find("reference"); reference != object.end())
    pair->reference = reference->is_string() ? reference->get<std::string>()
                      : reference->is_null() ? std::string()
                                             : dump_json(*reference);
  for (const char* used : kUsed) object.erase(used);
  pair->metadata = metadata_of(std::move(object));
  return pair;
}

}  // namespace retort
