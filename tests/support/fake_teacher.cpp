#include "tests/support/fake_teacher.h"

#include <algorithm>
#include <charconv>

#include "core/base/assert.h"
#include "core/base/random.h"
#include "core/base/text.h"
#include "core/serve/builtin_teacher.h"
#include "tests/support/wire_faults.h"

namespace retort {

struct FakeTeacher::Rule {
  enum class When { number, first_of_prompt, every, prompt_has, always } when = When::always;
  std::int64_t low = 0;
  std::int64_t high = 0;
  std::string text;
  std::string fault;
  std::string argument;

  bool fits(std::int64_t number, int of_prompt, const std::string& prompt) const {
    switch (when) {
      case When::number:
        return number >= low && number <= high;
      case When::first_of_prompt:
        return of_prompt == 1;
      case When::every:
        return number % low == 0;
      case When::prompt_has:
        return prompt.find(text) != std::string::npos && (high == 0 || of_prompt <= high);
      case When::always:
        return true;
    }
    return false;
  }

  /// What stands before the colon; false if it is not understood.
  bool read_when(std::string_view words);
};

struct FakeTeacher::Scenario {
  std::vector<Rule> rules;
};

namespace {

bool read_whole(std::string_view text, std::int64_t& number) {
  text = trimmed(text);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() && number > 0;
}

}  // namespace

bool FakeTeacher::Rule::read_when(std::string_view words) {
  if (words == "then") return true;
  if (words == "first") {
    when = When::first_of_prompt;
    return true;
  }
  if (words.starts_with("every ")) {
    when = When::every;
    return read_whole(words.substr(6), low);
  }
  if (words.starts_with("prompt ")) {
    when = When::prompt_has;
    const std::size_t first = words.find(" first ");
    text = trimmed(words.substr(7, first == std::string_view::npos ? first : first - 7));
    return first == std::string_view::npos || read_whole(words.substr(first + 7), high);
  }
  when = When::number;
  const std::size_t dash = words.find('-');
  if (!read_whole(words.substr(0, dash), low)) return false;
  high = low;
  return dash == std::string_view::npos || read_whole(words.substr(dash + 1), high);
}

Result<FakeTeacher::Scenario> FakeTeacher::read(const std::string& text) {
  Scenario scenario;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find_first_of(";\n", at), text.size());
    const std::string_view item = trimmed(std::string_view(text).substr(at, end - at));
    at = end + 1;
    if (item.empty() || item.front() == '#') continue;
    const std::size_t colon = item.find(':');
    if (colon == std::string_view::npos) return fail(Errc::usage, "a rule needs a colon: " + std::string(item));
    const std::string_view when = trimmed(item.substr(0, colon));
    const std::string_view what = trimmed(item.substr(colon + 1));
    const std::size_t comma = what.find(',');
    Rule rule;
    rule.fault = trimmed(what.substr(0, comma));
    if (comma != std::string_view::npos) {
      const std::string_view header = trimmed(what.substr(comma + 1));
      const std::size_t space = header.find(' ');
      if (space == std::string_view::npos) return fail(Errc::usage, "a header needs a value: " + std::string(item));
      rule.argument = trimmed(header.substr(space));
    }
    if (!rule.read_when(when)) return fail(Errc::usage, "a rule that is not understood: " + std::string(item));
    const auto names = wire_fault_names();
    if (std::find(names.begin(), names.end(), rule.fault) == names.end()) {
      return fail(Errc::usage, "there is no such fault: " + std::string(item));
    }
    scenario.rules.push_back(std::move(rule));
  }
  return scenario;
}

Result<std::unique_ptr<FakeTeacher>> FakeTeacher::start(FakeTeacherOptions options) {
  Result<Scenario> scenario = read(options.scenario);
  if (!scenario) return fail(scenario.error());
  return std::unique_ptr<FakeTeacher>(
      new FakeTeacher(std::move(options), std::make_unique<Scenario>(std::move(*scenario))));
}

FakeTeacher::FakeTeacher(FakeTeacherOptions options, std::unique_ptr<Scenario> scenario)
    : options_(std::move(options)), scenario_(std::move(scenario)) {
  port_ = options_.port;
  listen();
  port_ = server_->port();
}

void FakeTeacher::listen() {
  server_ = std::make_unique<RawServer>([this](RawConnection& connection) { serve(connection); }, port_);
}

void FakeTeacher::vanish() { server_.reset(); }
void FakeTeacher::come_back() { listen(); }

FakeTeacher::~FakeTeacher() { server_.reset(); }

int FakeTeacher::port() const { return port_; }
std::string FakeTeacher::base_url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/v1"; }

std::int64_t FakeTeacher::requests() const {
  const std::lock_guard lock(mutex_);
  return static_cast<std::int64_t>(log_.size());
}
std::int64_t FakeTeacher::delivered() const {
  const std::lock_guard lock(mutex_);
  return delivered_;
}
int FakeTeacher::in_flight() const {
  const std::lock_guard lock(mutex_);
  return in_flight_;
}
std::map<std::string, PromptBooks> FakeTeacher::books() const {
  const std::lock_guard lock(mutex_);
  return books_;
}
std::vector<FakeTeacherEntry> FakeTeacher::log() const {
  const std::lock_guard lock(mutex_);
  return log_;
}

std::string FakeTeacher::books_json() const {
  const std::lock_guard lock(mutex_);
  Json prompts = Json::object();
  for (const auto& [prompt, book] : books_) {
    prompts[prompt] = {{"received", book.received}, {"delivered", book.delivered}, {"in_flight", book.in_flight}};
  }
  return dump_json({{"requests", log_.size()},
                    {"delivered", delivered_},
                    {"in_flight", in_flight_},
                    {"prompts", std::move(prompts)}});
}

void FakeTeacher::serve(RawConnection& connection) {
  while (const auto request = connection.read_request()) {
    if (!reply(connection, *request)) return;
  }
}

/// False if the connection is to be closed.
bool FakeTeacher::reply(RawConnection& connection, const RawRequest& request) {
  const std::string target = request.target();
  if (target == "/books") return connection.send(http_reply(books_json(), "Content-Type: application/json\r\n"));
  if (target == "/v1/models")
    return connection.send(http_reply(model_list_body("arithmetic"), "Content-Type: application/json\r\n"));
  if (target == "/v1/chat/completions") return chat(connection, request);
  if (target == "/v1/completions" && options_.completes) return complete(connection, request);
  const std::string body = chat_error_body({.status = 404, .code = "not_found", .message = "no such path"});
  return connection.send(http_reply(body, "Content-Type: application/json\r\n", "404 Not Found"));
}

FakeTeacherEntry FakeTeacher::enter(const RawRequest& request, const ChatRequest& asked, std::string& argument) {
  const std::lock_guard lock(mutex_);
  const std::string& prompt = asked.last_user_text;
  PromptBooks& book = books_[prompt];
  ++book.received;
  ++book.in_flight;
  ++in_flight_;
  FakeTeacherEntry entry{.at = clock_.now(),
                         .number = static_cast<std::int64_t>(log_.size()) + 1,
                         .prompt = prompt,
                         .fault = "ok",
                         .with_authorization = !request.header("authorization").empty(),
                         .max_tokens = asked.max_tokens.value_or(0),
                         .seed = asked.seed.value_or(0)};
  for (const Rule& rule : scenario_->rules) {
    if (!rule.fits(entry.number, book.received, prompt)) continue;
    entry.fault = rule.fault;
    argument = rule.argument;
    break;
  }
  log_.push_back(entry);
  return entry;
}

// Plain: without faults, for what writes on from a text.
bool FakeTeacher::complete(RawConnection& connection, const RawRequest& request) {
  const auto asked = parse_json(request.body);
  const std::string prompt = asked ? json_text(*asked, "prompt") : std::string();
  int time = 0;
  {
    const std::lock_guard lock(mutex_);
    PromptBooks& book = books_[prompt];
    time = ++book.received;
    ++book.delivered;
    ++delivered_;
    log_.push_back({.at = clock_.now(), .number = static_cast<std::int64_t>(log_.size()) + 1, .prompt = prompt, .fault = "ok"});
  }
  const Json reply = {
      {"id", "cmpl-1"},
      {"object", "text_completion"},
      {"created", 1},
      {"model", asked ? json_text(*asked, "model") : ""},
      {"choices", {{{"index", 0}, {"text", options_.completes(*asked, time)}, {"finish_reason", "stop"}}}},
      {"usage", {{"prompt_tokens", 5}, {"completion_tokens", 5}, {"total_tokens", 10}}}};
  return connection.send(http_reply(dump_json(reply), "Content-Type: application/json\r\n"));
}

bool FakeTeacher::chat(RawConnection& connection, const RawRequest& request) {
  auto parsed = parse_chat_request(request.body);
  if (const auto* error = std::get_if<ChatError>(&parsed)) {
    return connection.send(
        http_reply(chat_error_body(*error), "Content-Type: application/json\r\n", "400 Bad Request"));
  }
  const ChatRequest& asked = std::get<ChatRequest>(parsed);
  std::string argument;
  const FakeTeacherEntry entry = enter(request, asked, argument);

  static const std::shared_ptr<BuiltinTeacher> kTeacher = make_arithmetic_teacher();
  const auto number = static_cast<std::uint64_t>(entry.number);
  ChatAnswer answer = teach(*kTeacher, asked, 0, number, clock_.wall().ms / 1000);
  answer.model = asked.model;
  if (options_.says) {
    int time = 0;
    {
      const std::lock_guard lock(mutex_);
      time = books_[asked.last_user_text].received;
    }
    const std::string text = options_.says(asked, time);
    for (ChatChoice& choice : answer.choices) {
      if (!text.empty()) choice.answer.text = text;
    }
  }
  const auto planned =
      wire_fault(entry.fault, {answer, request.header("authorization"), argument, asked.stream, clock_.wall()});
  RETORT_ASSERT(planned.has_value());
  if (options_.latency + options_.latency_spread > Duration::zero()) {
    connection.pause(options_.latency + Random(number).jitter(options_.latency_spread));
  }
  // To a client that is gone the kernel would still take the first bytes; nobody gets those.
  const bool there = connection.pause(Duration::zero());
  // An answer is small and is sent with the books closed: whoever has received it finds it in them.
  bool sent = there && (planned->answers || connection.send(planned->bytes));
  {
    const std::lock_guard lock(mutex_);
    if (planned->answers) sent = sent && connection.send(planned->bytes);
    PromptBooks& book = books_[asked.last_user_text];
    --book.in_flight;
    --in_flight_;
    if (sent && planned->answers) {
      ++book.delivered;
      ++delivered_;
    }
  }
  if (!sent) return false;
  switch (planned->end) {
    case WireReply::End::keep:
      return true;
    case WireReply::End::close:
      return false;
    case WireReply::End::reset:
      connection.reset();
      return false;
    case WireReply::End::stale:
      connection.read_request();
      connection.reset();
      return false;
    case WireReply::End::stall:
      connection.pause(24h);
      return false;
    case WireReply::End::drip:
      while (connection.pause(planned->pause) && connection.send(planned->again)) {
      }
      return false;
    case WireReply::End::flood:
      while (connection.send(planned->again)) {
      }
      return false;
  }
  return false;
}

}  // namespace retort
