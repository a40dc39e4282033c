#include "core/batch/result_lines.h"

#include <algorithm>
#include <charconv>

#include "core/base/text.h"

namespace retort {
namespace {

constexpr std::string_view kPrefix = "rt-";

std::size_t after_blanks(std::string_view json, std::size_t at) {
  while (at < json.size() && (json[at] == ' ' || json[at] == '\t' || json[at] == '\n' || json[at] == '\r')) ++at;
  return at;
}

// Past the string that begins here.
std::size_t after_string(std::string_view json, std::size_t at) {
  for (++at; at < json.size() && json[at] != '"'; ++at) {
    if (json[at] == '\\') ++at;
  }
  return std::min(at + 1, json.size());
}

// Past the value that begins here.
std::size_t after_value(std::string_view json, std::size_t at) {
  int depth = 0;
  while (at < json.size()) {
    const char c = json[at];
    if (c == '"') {
      at = after_string(json, at);
      if (depth == 0) return at;
      continue;
    }
    if (c == '{' || c == '[') ++depth;
    if (c == '}' || c == ']') {
      if (depth == 0) return at;
      if (--depth == 0) return at + 1;
    }
    if (depth == 0 && (c == ',' || c == ' ' || c == '\t' || c == '\n' || c == '\r')) return at;
    ++at;
  }
  return at;
}

// Of members with the same name the last counts, as it does for the parser.
std::string_view member(std::string_view json, std::string_view name) {
  std::string_view found;
  std::size_t at = after_blanks(json, 0);
  if (at >= json.size() || json[at] != '{') return found;
  at = after_blanks(json, at + 1);
  while (at < json.size() && json[at] == '"') {
    const std::size_t key_end = after_string(json, at);
    const std::string_view key = json.substr(at + 1, key_end - at - 2);
    at = after_blanks(json, key_end);
    if (at >= json.size() || json[at] != ':') return found;
    at = after_blanks(json, at + 1);
    const std::size_t end = after_value(json, at);
    if (key == name) found = json.substr(at, end - at);
    at = after_blanks(json, end);
    if (at < json.size() && json[at] == ',') at = after_blanks(json, at + 1);
  }
  return found;
}

std::optional<RowId> whole_number(std::string_view text) {
  RowId number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number <= 0) return {};
  return number;
}

std::string prefix_of(const std::string& key) { return std::string(kPrefix) + key + "-"; }

}  // namespace

void LineSplitter::feed(std::string_view bytes, const Take& take) {
  while (!bytes.empty()) {
    const std::size_t feed = bytes.find('\n');
    const std::string_view piece = bytes.substr(0, feed);
    const std::size_t room = bytes_max_ - line_.size();
    too_long_ |= piece.size() > room;
    line_.append(piece.substr(0, room));
    if (feed == std::string_view::npos) return;
    close(take);
    bytes.remove_prefix(feed + 1);
  }
}

void LineSplitter::end(const Take& take) { close(take); }

void LineSplitter::close(const Take& take) {
  if (line_.find_first_not_of(" \t\r") != std::string::npos) take(line_, !too_long_);
  reset();
}

std::string_view raw_member(std::string_view json, std::initializer_list<std::string_view> path) {
  for (const std::string_view name : path) json = member(json, name);
  return json;
}

std::string one_line(const std::string& text) { return shortened(on_one_line(to_valid_utf8(text)), 240); }

bool is_plain_id(std::string_view id) {
  constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~:";
  return !id.empty() && id.size() <= 256 && id.find_first_not_of(kPlain) == std::string_view::npos && id[0] != '.';
}

std::string custom_id(const std::string& key, RowId attempt) { return prefix_of(key) + std::to_string(attempt); }

std::optional<RowId> attempt_of(std::string_view custom_id, const std::string& key) {
  const std::string prefix = prefix_of(key);
  if (!custom_id.starts_with(prefix)) return {};
  return whole_number(custom_id.substr(prefix.size()));
}

std::optional<RowId> attempt_within(std::string_view line, const std::string& key) {
  const std::string prefix = "\"" + prefix_of(key);
  const std::size_t at = line.find(prefix);
  if (at == std::string_view::npos) return {};
  const std::string_view rest = line.substr(at + prefix.size());
  return whole_number(rest.substr(0, rest.find('"')));
}

}  // namespace retort
