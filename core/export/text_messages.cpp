#include "core/export/text_messages.h"

#include <string>

namespace retort {
namespace {

// A text, or text parts joined. Nothing if there is a picture, a sound or nothing at all.
std::optional<std::string> text_of(const Json& content) {
  if (content.is_string()) return content.get<std::string>();
  if (!content.is_array()) return {};
  std::string text;
  for (const Json& part : content) {
    if (!part.is_object() || json_text(part, "type") != "text" || !part.contains("text")) return {};
    text += json_text(part, "text");
  }
  return text;
}

}  // namespace

std::optional<Json> text_messages(const Json& messages) {
  if (!messages.is_array()) return {};
  Json result = Json::array();
  for (const Json& message : messages) {
    const std::string role = json_text(message, "role");
    if (role.empty() || !message.contains("content")) return {};
    const auto text = text_of(message["content"]);
    if (!text) return {};
    result.push_back({{"role", role}, {"content", *text}});
  }
  return result;
}

}  // namespace retort
