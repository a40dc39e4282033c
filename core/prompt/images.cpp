#include "core/prompt/images.h"

#include <algorithm>
#include <filesystem>

#include "core/base/files.h"

namespace retort {
namespace {

bool is_image(const Json& part) { return part.is_object() && json_text(part, "type") == "image"; }

Result<std::string> url_of(const Json& part, const std::string& folder) {
  const std::string path = json_text(part, "path"), url = json_text(part, "url");
  if (path.empty() == url.empty()) return fail(Errc::usage, "a part of type 'image' has a 'path' or a 'url'");
  if (path.empty()) {
    if (url.rfind("https://", 0) == 0 || url.rfind("data:image/", 0) == 0) return url;
    return fail(Errc::usage, "the 'url' of an image begins with https://");
  }
  const std::string file = (std::filesystem::path(folder) / path).string();
  std::error_code unknown;
  // Looked at first: a pipe would never end, and a wrong file may be large.
  if (!std::filesystem::is_regular_file(file, unknown)) return fail(Errc::usage, "the image '" + file + "' is no file");
  if (std::filesystem::file_size(file, unknown) > kImageBytesMax)
    return fail(Errc::usage, "the image '" + file + "' is larger than 20 MiB");
  const Result<std::string> bytes = read_file(file);
  if (!bytes) return fail(bytes.error());
  const std::string_view type = image_type(*bytes);
  if (type.empty()) return fail(Errc::usage, "the image '" + file + "' is no PNG, JPEG, GIF or WebP");
  return "data:" + std::string(type) + ";base64," + base64(*bytes);
}

}  // namespace

bool has_image_parts(const Json& messages) {
  return std::any_of(messages.begin(), messages.end(), [](const Json& message) {
    const Json& content = json_child(message, "content");
    return content.is_array() && std::any_of(content.begin(), content.end(), is_image);
  });
}

Result<Json> read_images(Json messages, const std::string& folder) {
  for (Json& message : messages) {
    if (!json_child(message, "content").is_array()) continue;
    for (Json& part : message["content"]) {
      if (!is_image(part)) continue;
      Result<std::string> url = url_of(part, folder);
      if (!url) return fail(url.error());
      part.erase("path");
      part.erase("url");
      part["type"] = "image_url";
      Json image = {{"url", std::move(*url)}};
      // OpenAI's word for how closely it looks stands beside the address.
      if (const auto detail = part.find("detail"); detail != part.end()) {
        image["detail"] = *detail;
        part.erase(detail);
      }
      part["image_url"] = std::move(image);
    }
  }
  return messages;
}

std::string_view image_type(std::string_view bytes) {
  using namespace std::string_view_literals;
  const auto begins = [&](std::string_view magic) { return bytes.substr(0, magic.size()) == magic; };
  if (begins("\x89PNG\r\n\x1a\n"sv)) return "image/png";
  if (begins("\xff\xd8\xff"sv)) return "image/jpeg";
  if (begins("GIF87a"sv) || begins("GIF89a"sv)) return "image/gif";
  if (begins("RIFF"sv) && bytes.size() >= 12 && bytes.substr(8, 4) == "WEBP"sv) return "image/webp";
  return {};
}

std::string base64(std::string_view bytes) {
  constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const std::size_t left = bytes.size() - at;
    const auto byte = [&](std::size_t i) {
      return i < left ? static_cast<unsigned>(static_cast<unsigned char>(bytes[at + i])) : 0u;
    };
    const unsigned group = byte(0) << 16 | byte(1) << 8 | byte(2);
    text += kDigits[group >> 18];
    text += kDigits[group >> 12 & 63];
    text += left > 1 ? kDigits[group >> 6 & 63] : '=';
    text += left > 2 ? kDigits[group & 63] : '=';
  }
  return text;
}

}  // namespace retort
