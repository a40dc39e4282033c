#include "tests/support/recorded_exchange.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <sstream>
#include <stdexcept>

#include "core/base/text.h"
#include "core/corpus/words.h"
#include "tests/support/temporary_folder.h"

namespace retort {
namespace {

namespace fs = std::filesystem;

// What stands before a dialect's own path.
std::string base_of(const std::string& dialect) {
  if (dialect == "anthropic" || dialect == "ollama") return "http://t";
  return dialect == "gemini" ? "http://t/v1beta" : "http://t/v1";
}

// Line feeds of the file are layout here; \r, \n, \\ and \xNN are bytes.
std::string unescaped(const std::string& text) {
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n') continue;
    if (text[i] != '\\') {
      bytes += text[i];
      continue;
    }
    const char next = text.at(++i);
    if (next == 'x') {
      bytes += static_cast<char>(std::stoi(text.substr(i + 1, 2), nullptr, 16));
      i += 2;
    } else {
      bytes += next == 'r' ? '\r' : next == 'n' ? '\n' : next;
    }
  }
  return bytes;
}

Json must_parse(const std::string& text, const std::string& where) {
  Result<Json> parsed = parse_json(text);
  if (!parsed) throw std::runtime_error(where + ": " + parsed.error().message);
  return *parsed;
}

void read_reply(RecordedExchange& exchange, const std::string& status, const std::string& section) {
  exchange.head.status = std::stoi(status);
  std::size_t at = 0;
  bool escaped = false;
  while (true) {
    const std::size_t end = section.find('\n', at);
    if (end == std::string::npos) throw std::runtime_error(exchange.name + ": no blank line after the reply's headers");
    const std::string line = section.substr(at, end - at);
    at = end + 1;
    if (line.empty()) break;
    const std::size_t colon = line.find(": ");
    if (line == "body: escaped")
      escaped = true;
    else
      exchange.head.headers.emplace_back(line.substr(0, colon), line.substr(colon + 2));
  }
  exchange.body = escaped ? unescaped(section.substr(at)) : section.substr(at);
}

RecordedExchange read_exchange(const std::string& name, const std::string& text) {
  RecordedExchange exchange;
  exchange.name = name;
  std::size_t at = 0;
  std::string title;
  while (at != std::string::npos) {
    const std::size_t next = text.find("\n== ", at);
    const std::string section = text.substr(at, next == std::string::npos ? next : next + 1 - at);
    if (title.empty()) {
      std::istringstream lines(section);
      for (std::string line; std::getline(lines, line);) {
        if (line.rfind("dialect: ", 0) == 0) exchange.dialect = line.substr(9);
        if (line.rfind("model: ", 0) == 0) exchange.model = line.substr(7);
        if (line.rfind("settings: ", 0) == 0) exchange.settings = must_parse(line.substr(10), name);
      }
    } else if (title == "question") {
      exchange.question = must_parse(section, name + ", question");
    } else if (title == "request") {
      const std::size_t end = section.find('\n');
      exchange.request_line = section.substr(0, end);
      exchange.request = must_parse(section.substr(end), name + ", request");
    } else if (title.rfind("reply ", 0) == 0) {
      read_reply(exchange, title.substr(6), section);
    } else if (title == "decoded") {
      exchange.decoded = must_parse(section, name + ", decoded");
    } else {
      throw std::runtime_error(name + ": unknown section '" + title + "'");
    }
    if (next == std::string::npos) break;
    const std::size_t end = text.find('\n', next + 1);
    title = text.substr(next + 4, end - next - 4);
    at = end + 1;
  }
  if (exchange.head.status == 0 || exchange.decoded.is_null())
    throw std::runtime_error(name + ": no reply or no decoded");
  return exchange;
}

std::string shown_bytes(const std::string& bytes) {
  if (is_valid_utf8(bytes)) return bytes;
  std::string text = "hex:";
  for (const char c : bytes) {
    constexpr const char* kDigits = "0123456789abcdef";
    text += kDigits[static_cast<unsigned char>(c) >> 4];
    text += kDigits[static_cast<unsigned char>(c) & 15];
  }
  return text;
}

double rounded(float value) { return std::round(static_cast<double>(value) * 1e4) / 1e4; }

Json usage_json(const Usage& usage) {
  Json result = Json::object();
  const auto put = [&](const char* name, const std::optional<Tokens>& count) {
    if (count) result[name] = *count;
  };
  put("input", usage.input);
  put("output", usage.output);
  put("cached_input", usage.cached_input);
  put("reasoning", usage.reasoning);
  put("cache_creation", usage.cache_creation);
  return result;
}

Json response_json(const Response& response) {
  Json result = {{"text", response.text}, {"finish", word(response.finish)}};
  const auto put = [&](const char* name, const std::string& text) {
    if (!text.empty()) result[name] = text;
  };
  put("reasoning", response.reasoning);
  put("refusal", response.refusal);
  put("provider_finish", response.provider_finish);
  put("served_model", response.served_model);
  put("system_fingerprint", response.system_fingerprint);
  put("provider_id", response.provider_id);
  if (!response.tool_calls.is_null()) result["tool_calls"] = response.tool_calls;
  for (const TokenLogprob& token : response.logprobs) {
    Json entry = {{"bytes", shown_bytes(token.bytes)}, {"logprob", rounded(token.logprob)}};
    for (const auto& other : token.top)
      entry["top"].push_back(Json::array({shown_bytes(other.bytes), rounded(other.logprob)}));
    result["logprobs"].push_back(std::move(entry));
  }
  return result;
}

Json rejection_json(const Rejection& rejection) {
  constexpr const char* kKinds[] = {"rate_limited", "quota", "refused_us", "transient", "permanent"};
  constexpr const char* kLimits[] = {"", "requests", "tokens"};
  Json result = {{"kind", kKinds[static_cast<int>(rejection.kind)]}, {"word", rejection.word}};
  if (!rejection.detail.empty()) result["detail"] = rejection.detail;
  if (rejection.retry_after) result["retry_after_seconds"] = seconds(*rejection.retry_after);
  if (rejection.limit != Rejection::Limit::unknown) result["limit"] = kLimits[static_cast<int>(rejection.limit)];
  if (rejection.slow_down) result["slow_down"] = true;
  if (rejection.partial) result["partial"] = response_json(*rejection.partial);
  return result;
}

}  // namespace

std::unique_ptr<Teacher> RecordedExchange::teacher() const {
  TeacherSettings made;
  made.base_url = base_of(dialect);
  made.model = model;
  made.max_tokens_name = settings.value("max_tokens_name", made.max_tokens_name);
  made.seed_name = settings.value("seed_name", made.seed_name);
  made.asks_stream_usage = settings.value("asks_stream_usage", made.asks_stream_usage);
  made.reasoning_object = settings.value("reasoning_object", made.reasoning_object);
  if (settings.value("inline_reasoning", "") == "opened") made.inline_reasoning = InlineReasoning::opened;
  return std::move(*make_teacher(dialect, made));
}

Question RecordedExchange::asked() const {
  const Json given = question.value_or(Json{{"messages", Json::array({{{"role", "user"}, {"content", "2 + 2?"}}})}});
  Question result;
  result.messages = given.at("messages");
  result.parameters = given.value("parameters", Json::object());
  if (given.contains("max_tokens")) result.max_tokens = given["max_tokens"].get<std::int64_t>();
  result.stream = given.value("stream", false);
  result.choices = given.value("choices", 1);
  return result;
}

std::vector<RecordedExchange> recorded_exchanges(const std::string& folder) {
  std::vector<std::string> paths;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.path().extension() == ".exchange") paths.push_back(entry.path().string());
  }
  std::sort(paths.begin(), paths.end());
  std::vector<RecordedExchange> all;
  for (const std::string& path : paths) {
    const std::string name = fs::relative(path, folder).replace_extension().string();
    all.push_back(read_exchange(name, read_bytes(path)));
  }
  return all;
}

Json reply_json(const Reply& reply) {
  if (const auto* rejection = std::get_if<Rejection>(&reply)) return {{"rejection", rejection_json(*rejection)}};
  const Answer& answer = std::get<Answer>(reply);
  Json choices = Json::array();
  for (const Response& choice : answer.choices) choices.push_back(response_json(choice));
  Json result = {{"choices", std::move(choices)}};
  if (const Json usage = usage_json(answer.usage); !usage.empty()) result["usage"] = usage;
  return {{"answer", std::move(result)}};
}

}  // namespace retort
