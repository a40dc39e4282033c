#include "core/teacher/shapes.h"

#include <algorithm>
#include <charconv>

namespace retort {
namespace {

// The older completions write a part of a character as "bytes:\xe2\x80".
std::string token_bytes(const std::string& text) {
  constexpr std::string_view kMark = "bytes:";
  if (text.rfind(kMark, 0) != 0 || (text.size() - kMark.size()) % 4 != 0 || text.size() == kMark.size()) return text;
  std::string bytes;
  for (std::size_t at = kMark.size(); at < text.size(); at += 4) {
    unsigned value = 0;
    const auto [end, problem] = std::from_chars(text.data() + at + 2, text.data() + at + 4, value, 16);
    if (text[at] != '\\' || text[at + 1] != 'x' || problem != std::errc() || end != text.data() + at + 4) return text;
    bytes += static_cast<char>(value);
  }
  return bytes;
}

// A number beyond a float reads as the least one: log probabilities are at most 0.
float number_or_zero(const Json& object, const char* key) {
  const auto found = object.is_object() ? object.find(key) : object.end();
  if (!object.is_object() || found == object.end() || !found->is_number()) return 0;
  return static_cast<float>(std::clamp(found->get<double>(), -3.0e38, 3.0e38));
}

TokenLogprob::Alternative read_alternative(const Json& token) {
  TokenLogprob::Alternative result;
  const Json& bytes = json_child(token, "bytes");
  const auto is_byte = [](const Json& value) { return value.is_number_integer() && value >= 0 && value <= 255; };
  if (bytes.is_array() && std::all_of(bytes.begin(), bytes.end(), is_byte)) {
    for (const Json& value : bytes) result.bytes += static_cast<char>(value.get<int>());
  } else {
    result.bytes = token_bytes(json_text(token, "token"));
  }
  result.logprob = number_or_zero(token, token.contains("logProbability") ? "logProbability" : "logprob");
  return result;
}

std::vector<TokenLogprob> read_older(const Json& logprobs) {
  std::vector<TokenLogprob> result;
  const Json& tokens = json_child(logprobs, "tokens");
  const Json& values = json_child(logprobs, "token_logprobs");
  const Json& tops = json_child(logprobs, "top_logprobs");
  for (std::size_t i = 0; tokens.is_array() && i < tokens.size(); ++i) {
    TokenLogprob token;
    if (tokens[i].is_string()) token.bytes = token_bytes(tokens[i].get<std::string>());
    // The first token of an echoed prompt has null.
    if (values.is_array() && i < values.size() && values[i].is_number())
      token.logprob = number_or_zero({{"logprob", values[i]}}, "logprob");
    if (tops.is_array() && i < tops.size() && tops[i].is_object()) {
      for (const auto& [text, value] : tops[i].items())
        token.top.push_back({token_bytes(text), number_or_zero({{"logprob", value}}, "logprob")});
      // An object has no order of its own.
      std::stable_sort(token.top.begin(), token.top.end(),
                       [](const auto& a, const auto& b) { return a.logprob > b.logprob; });
    }
    result.push_back(std::move(token));
  }
  return result;
}

}  // namespace

std::string content_text(const Json& message) {
  const auto content = message.is_object() ? message.find("content") : message.end();
  if (!message.is_object() || content == message.end()) return {};
  if (content->is_string()) return content->get<std::string>();
  std::string joined;
  if (content->is_array()) {
    for (const Json& part : *content) joined += json_text(part, "text");
  }
  return joined;
}

std::optional<ImageData> image_data(const std::string& url) {
  constexpr std::string_view kScheme = "data:", kCoding = ";base64,";
  if (url.rfind(kScheme, 0) != 0) return {};
  const std::size_t coding = url.find(kCoding);
  if (coding == std::string::npos || coding == kScheme.size()) return {};
  return ImageData{url.substr(kScheme.size(), coding - kScheme.size()), url.substr(coding + kCoding.size())};
}

std::string image_url(const Json& part) {
  const std::string plain = json_text(part, "image_url");
  return plain.empty() ? json_text(json_child(part, "image_url"), "url") : plain;
}

TokenLogprob read_token(const Json& token) {
  TokenLogprob::Alternative chosen = read_alternative(token);
  TokenLogprob result{std::move(chosen.bytes), chosen.logprob, {}};
  const Json& tops = json_child(token, "top_logprobs");
  if (tops.is_array()) {
    for (const Json& top : tops) result.top.push_back(read_alternative(top));
  }
  return result;
}

std::vector<TokenLogprob> read_logprobs(const Json& logprobs) {
  const Json& content = logprobs.is_array() ? logprobs : json_child(logprobs, "content");
  if (!content.is_array()) return read_older(logprobs);
  std::vector<TokenLogprob> result;
  result.reserve(content.size());
  for (const Json& token : content) result.push_back(read_token(token));
  return result;
}

Json tool_call(const std::string& id, const std::string& name, const Json& arguments) {
  return {
      {"id", id},
      {"type", "function"},
      {"function", {{"name", name}, {"arguments", arguments.is_string() ? arguments : Json(dump_json(arguments))}}}};
}

Json tool_arguments(const Json& call) {
  const Json& function = json_child(call, "function");
  const auto arguments = function.find("arguments");
  if (arguments == function.end()) return Json::object();
  if (!arguments->is_string()) return *arguments;
  const Result<Json> parsed = parse_json(arguments->get_ref<const std::string&>());
  return parsed && parsed->is_object() ? *parsed : Json::object();
}

std::int64_t saturated_sum(std::initializer_list<std::int64_t> counts) {
  std::int64_t sum = 0;
  for (const std::int64_t count : counts) sum = count > INT64_MAX - sum ? INT64_MAX : sum + count;
  return sum;
}

Json& object_in(Json& body, const char* key) {
  Json& member = body[key];
  if (!member.is_object()) member = Json::object();
  return member;
}

Json as_list(Json value) {
  if (value.is_array()) return value;
  Json list = Json::array();
  list.push_back(std::move(value));
  return list;
}

void append_text(Json& object, const char* key, const Json& piece) {
  if (!piece.is_string() || piece.get_ref<const std::string&>().empty()) return;
  Json& place = object[key];
  if (!place.is_string()) place = "";
  place.get_ref<std::string&>() += piece.get_ref<const std::string&>();
}

void append_items(Json& object, const char* key, const Json& items) {
  if (!items.is_array() || items.empty()) return;
  Json& place = object[key];
  if (!place.is_array()) place = Json::array();
  place.insert(place.end(), items.begin(), items.end());
}

Json taken(Json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end()) return nullptr;
  Json value = std::move(*found);
  object.erase(found);
  return value;
}

void rename(Json& body, const char* from, const char* to) {
  const auto found = body.find(from);
  if (found == body.end()) return;
  Json value = std::move(*found);
  body.erase(found);
  const std::string path(to);
  const std::size_t slash = path.find('/', 1);
  if (path.front() != '/' || slash == std::string::npos) {
    body[path.front() == '/' ? path.substr(1) : path] = std::move(value);
    return;
  }
  object_in(body, path.substr(1, slash - 1).c_str())[path.substr(slash + 1)] = std::move(value);
}

const Json& schema_of(const Json& response_format) {
  return json_child(json_child(response_format, "json_schema"), "schema");
}

}  // namespace retort
