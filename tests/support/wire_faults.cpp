#include "tests/support/wire_faults.h"

#include <cstdio>
#include <ctime>
#include <map>

#include "tests/support/raw_server.h"

namespace retort {
namespace {

using End = WireReply::End;
using Input = WireFaultInput;
using Make = std::function<WireReply(const Input&)>;

constexpr std::string_view kJson = "Content-Type: application/json\r\n";

std::string reply(std::string_view body, std::string_view headers = kJson, std::string_view status = "200 OK") {
  return http_reply(body, headers, status);
}

std::string right_body(const Input& input) { return chat_body(input.answer); }

std::string hexadecimal(std::size_t number) {
  char text[20];
  const int length = std::snprintf(text, sizeof text, "%zx", number);
  return {text, static_cast<std::size_t>(length)};
}

std::string chunked(const std::vector<std::string>& pieces, std::string_view headers, bool ended = true) {
  std::string bytes = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n" + std::string(headers) + "\r\n";
  for (const std::string& piece : pieces) bytes += hexadecimal(piece.size()) + "\r\n" + piece + "\r\n";
  return ended ? bytes + "0\r\n\r\n" : bytes;
}

WireReply ok(const Input& input) {
  if (!input.stream) return {.bytes = reply(right_body(input)), .answers = true, .status = 200};
  return {.bytes = chunked(chat_events(input.answer, true), "Content-Type: text/event-stream\r\n"),
          .answers = true,
          .status = 200};
}

/// A complete HTTP response that is no answer.
Make wrong(std::string body, std::string headers = std::string(kJson)) {
  return [=](const Input&) { return WireReply{.bytes = reply(body, headers), .status = 200}; };
}

/// An error status in OpenAI's shape.
Make error(int status, const std::string& reason, const std::string& type = "server_error",
           const std::string& code = "") {
  return [=](const Input&) {
    const std::string body = chat_error_body({.status = status, .type = type, .code = code, .message = reason});
    return WireReply{.bytes = reply(body, kJson, std::to_string(status) + " " + reason), .status = status};
  };
}

/// A 429 (or other refusal) with a header whose value is the rule's argument or a default.
Make limited(const std::string& header, const std::string& value, const std::string& status = "429 Too Many Requests") {
  return [=](const Input& input) {
    const std::string body =
        chat_error_body({.status = 429, .type = "requests", .code = "rate_limit_exceeded", .message = "slow down"});
    std::string headers(kJson);
    if (!header.empty()) headers += header + ": " + (input.argument.empty() ? value : input.argument) + "\r\n";
    return WireReply{.bytes = reply(body, headers, status), .status = std::stoi(status)};
  };
}

/// Two whole seconds ahead, so at least one.
std::string http_date_soon(WallTime now) {
  const std::time_t at = now.ms / 1000 + 2;
  std::tm utc{};
  gmtime_r(&at, &utc);
  char text[64];
  return {text, std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &utc)};
}

/// The right body, changed by hand. `answers`: it is still a valid answer.
Make changed(std::string_view from, std::string to, bool answers) {
  return [from = std::string(from), to = std::move(to), answers](const Input& input) {
    std::string body = right_body(input);
    if (const std::size_t at = body.find(from); at != std::string::npos) body.replace(at, from.size(), to);
    return WireReply{.bytes = reply(body), .answers = answers, .status = 200};
  };
}

/// The right body with one choice's content given as JSON text.
Make content(std::string json, bool answers) {
  return [json = std::move(json), answers](const Input& input) {
    ChatAnswer answer = input.answer;
    for (ChatChoice& choice : answer.choices) choice.answer.text = "@@";
    std::string body = chat_body(answer);
    if (const std::size_t at = body.find("\"@@\""); at != std::string::npos) body.replace(at, 4, json);
    return WireReply{.bytes = reply(body), .answers = answers, .status = 200};
  };
}

Make finish(const std::string& word, bool half_text) {
  return [=](const Input& input) {
    ChatAnswer answer = input.answer;
    for (ChatChoice& choice : answer.choices) {
      choice.finish = word;
      if (half_text) choice.answer.text.resize(choice.answer.text.size() / 2);
    }
    return WireReply{.bytes = reply(chat_body(answer)), .answers = true, .status = 200};
  };
}

/// All of the right reply but its end; then `how`.
Make cut(End how, bool in_chunks = false) {
  return [=](const Input& input) {
    const std::string bytes = in_chunks ? chunked({right_body(input)}, kJson, false) : reply(right_body(input));
    return WireReply{.bytes = in_chunks ? bytes : bytes.substr(0, bytes.size() - 20), .end = how, .status = 200};
  };
}

Make raw(std::string bytes, End how) {
  return [=](const Input&) { return WireReply{.bytes = bytes, .end = how}; };
}

void add_refusals(std::map<std::string, Make, std::less<>>& faults) {
  faults["429"] = limited("Retry-After", "1");
  faults["429_date"] = [](const Input& input) { return limited("Retry-After", http_date_soon(input.now))(input); };
  faults["429_past"] = limited("Retry-After", "Wed, 21 Oct 2015 07:28:00 GMT");
  faults["429_body"] = [](const Input& input) {
    const std::string body =
        R"([{"error":{"code":429,"message":"quota","status":"RESOURCE_EXHAUSTED","details":[{"@type":)"
        R"("type.googleapis.com/google.rpc.RetryInfo","retryDelay":")" +
        (input.argument.empty() ? "1" : input.argument) + R"(s"}]}}])";
    return WireReply{.bytes = reply(body, kJson, "429 Too Many Requests"), .status = 429};
  };
  faults["429_zero"] = limited("Retry-After", "0\r\nretry-after-ms: 0");
  faults["429_reset_zero"] = limited("x-ratelimit-reset-requests", "0ms\r\nx-ratelimit-remaining-requests: 0");
  faults["429_ms"] = limited("Retry-After", "60\r\nretry-after-ms: 200");
  faults["429_none"] = limited("", "");
  faults["429_huge"] = limited("Retry-After", "99999999999999999999999");
  faults["429_neg"] = limited("Retry-After", "-5");
  faults["429_junk"] = limited("Retry-After", "soon, perhaps");
  faults["503_retry"] = limited("Retry-After", "1", "503 Service Unavailable");
  faults["insufficient_quota"] =
      error(429, "You exceeded your current quota", "insufficient_quota", "insufficient_quota");
  for (const auto& [status, reason] : std::initializer_list<std::pair<int, const char*>>{{408, "Request Timeout"},
                                                                                         {409, "Conflict"},
                                                                                         {500, "Internal Server Error"},
                                                                                         {502, "Bad Gateway"},
                                                                                         {503, "Service Unavailable"},
                                                                                         {504, "Gateway Timeout"},
                                                                                         {529, "Overloaded"}}) {
    faults[std::to_string(status)] = error(status, reason);
  }
  for (const auto& [status, reason] :
       std::initializer_list<std::pair<int, const char*>>{{400, "Bad Request"},
                                                          {401, "Unauthorized"},
                                                          {403, "Forbidden"},
                                                          {404, "Not Found"},
                                                          {413, "Payload Too Large"},
                                                          {422, "Unprocessable Entity"}}) {
    faults[std::to_string(status)] = error(status, reason, "invalid_request_error");
  }
  faults["502_html"] = [](const Input&) {
    return WireReply{
        .bytes = reply("<html><h1>502 Bad Gateway</h1></html>", "Content-Type: text/html\r\n", "502 Bad Gateway"),
        .status = 502};
  };
  faults["key_echo"] = [](const Input& input) {
    return WireReply{.bytes = reply(chat_error_body({.status = 401,
                                                     .code = "invalid_api_key",
                                                     .message = "Incorrect API key provided: " + input.authorization}),
                                    kJson, "401 Unauthorized"),
                     .status = 401};
  };
  faults["key_escaped"] = [](const Input& input) {
    std::string spelled;
    for (const char c : input.authorization) {
      char escape[8];
      spelled.append(escape, static_cast<std::size_t>(std::snprintf(escape, sizeof escape, "\\u%04X", c)));
    }
    const std::string body = R"({"error":{"code":"invalid_api_key","message":"Incorrect API key provided: )" + spelled +
                             R"(","param":")" + spelled + R"("}})";
    return WireReply{.bytes = reply(body, kJson, "401 Unauthorized"), .status = 401};
  };
  faults["key_in_answer"] = [](const Input& input) {
    ChatAnswer telling = input.answer;
    for (ChatChoice& choice : telling.choices) choice.answer.text = "You asked with " + input.authorization;
    const std::string bytes = input.stream ? chunked(chat_events(telling, true), "Content-Type: text/event-stream\r\n")
                                           : reply(chat_body(telling));
    return WireReply{.bytes = bytes, .answers = true, .status = 200};
  };
  faults["redirect"] = [](const Input& input) {
    return WireReply{
        .bytes = reply("", "Location: " + (input.argument.empty() ? "http://127.0.0.1:9/v1" : input.argument) + "\r\n",
                       "307 Temporary Redirect"),
        .status = 307};
  };
  faults["redirect_loop"] = [](const Input&) {
    return WireReply{.bytes = reply("", "Location: /v1/chat/completions\r\n", "307 Temporary Redirect"), .status = 307};
  };
  faults["redirect_file"] = [](const Input&) {
    return WireReply{.bytes = reply("", "Location: file:///etc/passwd\r\n", "302 Found"), .status = 302};
  };
}

void add_cuts(std::map<std::string, Make, std::less<>>& faults) {
  faults["reset"] = raw("", End::reset);
  faults["close"] = raw("", End::close);
  faults["reset_mid"] = cut(End::reset);
  faults["trunc"] = cut(End::close);
  faults["chunk_trunc"] = cut(End::close, true);
  faults["stall"] = raw("", End::stall);
  faults["stall_mid"] = cut(End::stall);
  faults["bad_status_line"] = raw("HTTX/7 what is this\r\n\r\n", End::close);
  faults["big_header"] =
      raw("HTTP/1.1 200 OK\r\nX-Big: " + std::string(4 << 20, 'h') + "\r\nContent-Length: 2\r\n\r\n{}", End::close);
  faults["slowloris"] = [](const Input&) {
    return WireReply{.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n",
                     .end = End::drip,
                     .status = 200,
                     .again = " ",
                     .pause = 1s};
  };
  faults["big_body"] = [](const Input&) {
    return WireReply{.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 4294967296\r\n\r\n",
                     .end = End::flood,
                     .status = 200,
                     .again = std::string(1 << 20, ' ')};
  };
  faults["big_chunked"] = [](const Input&) {
    const std::string piece = "100000\r\n" + std::string(1 << 20, ' ') + "\r\n";
    return WireReply{.bytes = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
                     .end = End::flood,
                     .status = 200,
                     .again = piece};
  };
  faults["gzip_bomb"] = [](const Input&) {
    static const std::string bomb = reply(gzip_of_zeros(std::size_t{1} << 30), "Content-Encoding: gzip\r\n");
    return WireReply{.bytes = bomb, .status = 200};
  };
}

/// The first half of the right events; then `last`, and the end of the response or not.
Make half_a_stream(End how, bool ended, std::string last = {}) {
  return [=](const Input& input) {
    std::vector<std::string> events = chat_events(input.answer, true);
    events.resize(events.size() / 2);
    if (!last.empty()) events.push_back(last);
    return WireReply{.bytes = chunked(events, "Content-Type: text/event-stream\r\n", ended), .end = how, .status = 200};
  };
}

void add_streams(std::map<std::string, Make, std::less<>>& faults) {
  faults["stream_silent"] = [](const Input&) {
    return WireReply{
        .bytes = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n",
        .end = End::stall,
        .status = 200};
  };
  faults["stream_stall"] = half_a_stream(End::stall, false);
  faults["stream_cut"] = half_a_stream(End::close, false);
  faults["stream_reset"] = half_a_stream(End::reset, false);
  faults["stream_ended"] = half_a_stream(End::keep, true);
  faults["stream_error"] =
      half_a_stream(End::keep, true,
                    "data: {\"error\":{\"code\":502,\"message\":\"upstream failed\",\"type\":\"server_error\"}}\n\n");
  faults["stream_comments"] = [](const Input& input) {
    std::vector<std::string> events{": keep-alive\n\n", "\n\n"};
    for (const std::string& event : chat_events(input.answer, true)) {
      events.push_back(": still here\n\n");
      events.push_back(event);
    }
    return WireReply{.bytes = chunked(events, "Content-Type: text/event-stream\r\n"), .answers = true, .status = 200};
  };
  faults["stream_bytes"] = [](const Input& input) {
    std::vector<std::string> pieces;
    for (const std::string& event : chat_events(input.answer, true)) {
      for (const char byte : event) pieces.emplace_back(1, byte);
    }
    return WireReply{
        .bytes = chunked(pieces, "Content-Type: text/event-stream; charset=utf-8\r\n"), .answers = true, .status = 200};
  };
  faults["short_n"] = [](const Input& input) {
    ChatAnswer answer = input.answer;
    answer.choices.resize((answer.choices.size() + 1) / 2);
    return WireReply{.bytes = reply(chat_body(answer)), .answers = true, .status = 200};
  };
}

void add_wrong_bodies(std::map<std::string, Make, std::less<>>& faults) {
  faults["trunc_json"] = [](const Input& input) {
    const std::string body = right_body(input);
    return WireReply{.bytes = reply(body.substr(0, body.size() / 2)), .status = 200};
  };
  faults["trailing_junk"] = [](const Input& input) {
    return WireReply{.bytes = reply(right_body(input) + "junk"), .status = 200};
  };
  faults["200_html"] = wrong("<html>Please sign in to this network</html>", "Content-Type: text/html\r\n");
  faults["200_error"] =
      wrong(chat_error_body({.status = 500, .type = "server_error", .code = "", .message = "upstream failed"}));
  faults["200_empty"] = wrong("");
  faults["204"] = raw("HTTP/1.1 204 No Content\r\n\r\n", End::keep);
  faults["sse"] = [](const Input& input) {
    return WireReply{.bytes = chunked(chat_events(input.answer, false), "Content-Type: text/event-stream\r\n"),
                     .answers = true,
                     .status = 200};
  };
  faults["no_choices"] = wrong(R"({"id":"x","object":"chat.completion","choices":[]})");
  faults["null_content"] = content("null", false);
  faults["bad_utf8"] = content("\"4\xff\xfe\"", false);
  faults["raw_nul"] = content(std::string("\"4\0002\"", 5), false);
  faults["lone_surrogate"] = content("\"4\\ud800\"", false);
  faults["deep"] = wrong(std::string(1'000'000, '['));
  faults["deep_closed"] = wrong(std::string(200'000, '[') + std::string(200'000, ']'));
  faults["gzip_bad"] = wrong("this is no gzip", "Content-Encoding: gzip\r\n");
}

void add_odd_but_right(std::map<std::string, Make, std::less<>>& faults) {
  faults["ok"] = ok;
  faults["esc_nul"] = content(R"("4\u00002")", true);
  faults["other_maker"] = content("\"I was trained by OpenAI.\"", true);
  faults["length"] = finish("length", true);
  faults["content_filter"] = finish("content_filter", false);
  faults["bom"] = [](const Input& input) {
    return WireReply{.bytes = reply("\xEF\xBB\xBF" + right_body(input)), .answers = true, .status = 200};
  };
  faults["huge_number"] =
      changed("{", R"({"x":123456789012345678901234567890123456789,"y":[1e999999,-1e999999],)", true);
  faults["neg_usage"] = changed("\"completion_tokens\":", "\"completion_tokens\":-9223372036854775809,\"was\":", true);
  faults["dup_keys"] = changed("\"content\":", R"("content":"first","content":)", true);
  faults["wrong_type_ct"] = [](const Input& input) {
    return WireReply{.bytes = reply(right_body(input), "Content-Type: text/plain\r\n"), .answers = true, .status = 200};
  };
  faults["wrong_id"] = [](const Input& input) {
    ChatAnswer answer = input.answer;
    answer.id = "chatcmpl-of-somebody-else";
    return WireReply{.bytes = reply(chat_body(answer)), .answers = true, .status = 200};
  };
  faults["gzip"] = [](const Input& input) {
    return WireReply{.bytes = reply(gzip(right_body(input)), std::string(kJson) + "Content-Encoding: gzip\r\n"),
                     .answers = true,
                     .status = 200};
  };
  faults["chunked"] = [](const Input& input) {
    const std::string body = right_body(input);
    return WireReply{.bytes = chunked({body.substr(0, 7), body.substr(7)}, kJson), .answers = true, .status = 200};
  };
  faults["until_close"] = [](const Input& input) {
    return WireReply{.bytes = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + right_body(input),
                     .end = End::close,
                     .answers = true,
                     .status = 200};
  };
  faults["conn_close"] = [](const Input& input) {
    return WireReply{
        .bytes = reply(right_body(input), "Connection: close\r\n"), .end = End::close, .answers = true, .status = 200};
  };
  faults["close_after"] = [](const Input& input) {
    return WireReply{.bytes = reply(right_body(input)), .end = End::close, .answers = true, .status = 200};
  };
  faults["stale"] = [](const Input& input) {
    return WireReply{.bytes = reply(right_body(input)), .end = End::stale, .answers = true, .status = 200};
  };
  faults["continue"] = [](const Input& input) {
    return WireReply{
        .bytes = "HTTP/1.1 100 Continue\r\n\r\n" + reply(right_body(input)), .answers = true, .status = 200};
  };
}

const std::map<std::string, Make, std::less<>>& faults() {
  static const auto kFaults = [] {
    std::map<std::string, Make, std::less<>> all;
    add_refusals(all);
    add_cuts(all);
    add_streams(all);
    add_wrong_bodies(all);
    add_odd_but_right(all);
    return all;
  }();
  return kFaults;
}

}  // namespace

std::vector<std::string> wire_fault_names() {
  std::vector<std::string> names;
  for (const auto& [name, make] : faults()) names.push_back(name);
  return names;
}

std::optional<WireReply> wire_fault(std::string_view name, const WireFaultInput& input) {
  const auto found = faults().find(name);
  if (found == faults().end()) return {};
  return found->second(input);
}

}  // namespace retort
