#include "tests/support/fake_batches.h"

#include <algorithm>

#include "core/base/clock.h"
#include "core/serve/builtin_teacher.h"
#include "core/serve/openai_protocol.h"

namespace retort {
namespace {

constexpr std::int64_t kEpoch = 1'795'000'000;  ///< when its answers were made

FakeReply reply(const Json& body, int status = 200) { return {status, "application/json", dump_json(body)}; }

FakeReply openai_error(int status, const std::string& code, const std::string& message) {
  return reply(
      {{"error", {{"message", message}, {"type", "invalid_request_error"}, {"param", nullptr}, {"code", code}}}},
      status);
}

Json anthropic_error(const std::string& type, const std::string& message) {
  return {{"type", "error"}, {"error", {{"type", type}, {"message", message}}}, {"request_id", "req_fake"}};
}

std::string prompt_of(const Json& body) {
  std::string text;
  for (const Json& message : json_child(body, "messages")) {
    if (json_text(message, "role") != "user") continue;
    text = json_text(message, "content");
    for (const Json& part : json_child(message, "content")) text += json_text(part, "text");
  }
  return text;
}

ChatAnswer taught(const Json& body, std::size_t number) {
  static const std::shared_ptr<BuiltinTeacher> kTeacher = make_arithmetic_teacher();
  const auto parsed = parse_chat_request(dump_json(body));
  const auto* asked = std::get_if<ChatRequest>(&parsed);
  if (!asked) return {};
  ChatAnswer answer = teach(*kTeacher, *asked, 0, number, kEpoch);
  answer.model = asked->model;
  return answer;
}

std::string rfc3339(std::int64_t seconds) { return to_iso8601({seconds * 1000}); }

std::string between(const std::string& text, const std::string& begin, const std::string& end) {
  const std::size_t from = text.find(begin);
  if (from == std::string::npos) return {};
  const std::size_t to = text.find(end, from + begin.size());
  return text.substr(from + begin.size(), to == std::string::npos ? to : to - from - begin.size());
}

}  // namespace

FakeBatches::FakeBatches(FakeBatchPlan plan, std::function<std::int64_t()> seconds)
    : plan_(std::move(plan)), seconds_(seconds ? std::move(seconds) : [] { return SystemClock().wall().ms / 1000; }) {}

void FakeBatches::set(const FakeBatchPlan& plan) {
  const std::lock_guard lock(mutex_);
  plan_ = plan;
}

std::string FakeBatches::step_of(const std::string& method, const std::string& target) {
  const std::string path = target.substr(0, target.find('?'));
  const bool is_batch = path.starts_with("/v1/batches") || path.starts_with("/v1/messages/batches");
  if (path == "/v1/files" && method == "POST") return "upload";
  if (path.starts_with("/v1/files/")) return path.find("file-err") == std::string::npos ? "results" : "errors";
  if (!is_batch) return {};
  if (path.ends_with("/results")) return "results";
  if (path.ends_with("/cancel")) return "cancel";
  if (!path.ends_with("/batches")) return "look";
  return method == "POST" ? "create" : "list";
}

std::optional<FakeReply> FakeBatches::handle(const std::string& method, const std::string& target,
                                             const std::string& type, const std::string& body) {
  const std::lock_guard lock(mutex_);
  const std::size_t mark = target.find('?');
  const std::string path = target.substr(0, mark);
  const std::string query = mark == std::string::npos ? "" : target.substr(mark + 1);
  if (path.starts_with("/v1/messages/batches")) return anthropic(method, path.substr(20), query, body);
  if (path.starts_with("/v1/batches") || path.starts_with("/v1/files"))
    return openai(method, path.substr(3), query, type, body);
  return {};
}

FakeReply FakeBatches::openai(const std::string& method, const std::string& path, const std::string& query,
                              const std::string& type, const std::string& body) {
  if (path == "/files" && method == "POST") return upload(type, body);
  if (path.starts_with("/files/") && path.ends_with("/content")) {
    const std::string id = path.substr(7, path.size() - 15);
    for (const Batch& batch : batches_) {
      if (!batch.over) continue;
      if (id == "file-out-" + batch.id) return {200, "application/octet-stream", results(batch, false)};
      if (id == "file-err-" + batch.id) return {200, "application/octet-stream", results(batch, true)};
    }
    return openai_error(404, "not_found", "No such File object: " + id);
  }
  if (path == "/batches" && method == "POST") return create(parse_json(body).has_value() ? *parse_json(body) : Json());
  if (path == "/batches") return plan_.lists ? page(false, query) : openai_error(404, "not_found", "no such path");
  const bool cancels = path.ends_with("/cancel");
  const std::string id = path.substr(9, cancels ? path.size() - 16 : std::string::npos);
  Batch* batch = path.starts_with("/batches/") ? find(id) : nullptr;
  if (!batch) return openai_error(404, "not_found", "No batch found with id '" + id + "'.");
  cancels ? static_cast<void>(batch->cancelling = !batch->over) : look_at(*batch);
  return reply(view(*batch));
}

FakeReply FakeBatches::anthropic(const std::string& method, const std::string& path, const std::string& query,
                                 const std::string& body) {
  if (path.empty() && method == "POST")
    return create_anthropic(parse_json(body).has_value() ? *parse_json(body) : Json());
  if (path.empty()) return page(true, query);
  const std::string id = path.substr(1, path.find('/', 1) - 1);
  Batch* batch = find(id);
  if (!batch) return reply(anthropic_error("not_found_error", "no such batch: " + id), 404);
  if (path.ends_with("/results")) {
    if (!batch->over) return reply(anthropic_error("not_found_error", "the batch has no results yet"), 404);
    return {200, "application/x-jsonl", results(*batch, false)};
  }
  path.ends_with("/cancel") ? static_cast<void>(batch->cancelling = !batch->over) : look_at(*batch);
  return reply(view(*batch));
}

FakeReply FakeBatches::upload(const std::string& type, const std::string& body) {
  std::string boundary = between(type, "boundary=", ";");
  if (boundary.size() > 2 && boundary.front() == '"') boundary = boundary.substr(1, boundary.size() - 2);
  if (boundary.empty() || between(body, "name=\"purpose\"\r\n\r\n", "\r\n") != "batch")
    return openai_error(400, "invalid_purpose", "a file needs a purpose");
  const std::string part = between(body, "name=\"file\"", "\r\n--" + boundary);
  const std::size_t at = part.find("\r\n\r\n");
  if (at == std::string::npos) return openai_error(400, "no_file", "there is no file");
  const std::string id = "file-in-" + std::to_string(files_.size() + 1);
  files_[id] = part.substr(at + 4);
  return reply({{"id", id},
                {"object", "file"},
                {"bytes", files_[id].size()},
                {"created_at", kEpoch},
                {"filename", between(part, "filename=\"", "\"")},
                {"purpose", "batch"},
                {"status", "processed"}});
}

FakeBatches::Batch& FakeBatches::add(bool anthropic) {
  Batch& batch = batches_.emplace_back();
  const std::string number = std::to_string(batches_.size());
  batch.id = (anthropic ? "msgbatch_" : "batch_") + number;
  batch.anthropic = anthropic;
  batch.created = seconds_();
  batch.end = plan_.end;
  return batch;
}

void FakeBatches::take(Batch& batch, const std::string& custom_id, const Json& body) {
  Question question{custom_id, prompt_of(body), body};
  const auto has = [&](const std::string& word) {
    return !word.empty() && question.prompt.find(word) != std::string::npos;
  };
  question.bad = has(plan_.bad);
  question.overloaded = has(plan_.overloaded);
  const bool runs_out = plan_.executed_max >= 0 && static_cast<int>(batch.questions.size()) >= plan_.executed_max;
  question.executed = !question.bad && !question.overloaded && !runs_out && plan_.end != "failed";
  batch.questions.push_back(std::move(question));
}

FakeReply FakeBatches::create(const Json& asked) {
  const auto file = files_.find(json_text(asked, "input_file_id"));
  if (file == files_.end()) return openai_error(400, "invalid_file", "there is no such input file");
  if (json_text(asked, "completion_window") != "24h" || json_text(asked, "endpoint").empty())
    return openai_error(400, "invalid_request", "completion_window and endpoint are required");
  Batch& batch = add(false);
  batch.input_file = file->first;
  batch.endpoint = json_text(asked, "endpoint");
  if (plan_.metadata) batch.metadata = json_child(asked, "metadata");
  for (std::size_t at = 0; at < file->second.size();) {
    const std::size_t end = std::min(file->second.find('\n', at), file->second.size());
    const auto line = parse_json(file->second.substr(at, end - at));
    at = end + 1;
    // As the real one: a line that belongs elsewhere fails the whole batch.
    if (!line || json_text(*line, "url") != batch.endpoint || json_text(*line, "method") != "POST") {
      batch.end = "failed";
    } else {
      take(batch, json_text(*line, "custom_id"), json_child(*line, "body"));
    }
  }
  return reply(view(batch));
}

FakeReply FakeBatches::create_anthropic(const Json& asked) {
  const Json& requests = json_child(asked, "requests");
  if (!requests.is_array() || requests.empty())
    return reply(anthropic_error("invalid_request_error", "requests: a list of at least one"), 400);
  Batch& batch = add(true);
  for (const Json& one : requests) take(batch, json_text(one, "custom_id"), json_child(one, "params"));
  return reply(view(batch));
}

FakeReply FakeBatches::page(bool anthropic, const std::string& query) {
  const std::string after = between(query + "&", anthropic ? "after_id=" : "after=", "&");
  const std::string limit = between(query + "&", "limit=", "&");
  std::size_t room = limit.empty() ? 20 : std::stoul(limit);
  Json data = Json::array();
  bool passed = after.empty(), more = false;
  for (auto batch = batches_.rbegin(); batch != batches_.rend(); ++batch) {
    if (batch->anthropic != anthropic) continue;
    look_at(*batch);
    if (!passed) {
      passed = batch->id == after;
    } else if (data.size() < room) {
      data.push_back(view(*batch));
    } else {
      more = true;
    }
  }
  const Json first = data.empty() ? Json() : data.front()["id"], last = data.empty() ? Json() : data.back()["id"];
  Json body = {{"data", data}, {"has_more", more}, {"first_id", first}, {"last_id", last}};
  if (!anthropic) body["object"] = "list";
  return reply(body);
}

FakeBatches::Batch* FakeBatches::find(const std::string& id) {
  for (Batch& batch : batches_) {
    if (batch.id == id) return &batch;
  }
  return nullptr;
}

void FakeBatches::look_at(Batch& batch) {
  if (!batch.over && ++batch.looks >= plan_.looks) end(batch);
}

void FakeBatches::end(Batch& batch) {
  batch.over = true;
  if (batch.cancelling) batch.end = "cancelled";
  if (!batch.cancelling && plan_.end == "expired") batch.end = "expired";
}

bool FakeBatches::has_errors(const Batch& batch) const {
  return std::any_of(batch.questions.begin(), batch.questions.end(), [](const Question& one) { return !one.executed; });
}

Json FakeBatches::view(const Batch& batch) const {
  return batch.anthropic ? anthropic_view(batch) : openai_view(batch);
}

Json FakeBatches::openai_view(const Batch& batch) const {
  const auto executed =
      std::count_if(batch.questions.begin(), batch.questions.end(), [](const Question& one) { return one.executed; });
  const auto total = static_cast<std::int64_t>(batch.questions.size());
  const bool failed = batch.over && batch.end == "failed";
  const std::string status = batch.over         ? batch.end
                             : batch.cancelling ? "cancelling"
                             : batch.looks == 0 ? "validating"
                                                : "in_progress";
  const bool has_output = batch.over && !failed && executed > 0,
             has_error_file = batch.over && !failed && has_errors(batch);
  Json errors = nullptr;
  if (failed) {
    errors = {{"object", "list"},
              {"data", Json::array({{{"code", "invalid_json_line"},
                                     {"message", "This line is not parseable as valid JSON."},
                                     {"param", nullptr},
                                     {"line", 1}}})}};
  }
  const auto time_if = [&](bool is) { return is ? Json(batch.created + 100) : Json(); };
  return {{"id", batch.id},
          {"object", "batch"},
          {"endpoint", batch.endpoint},
          {"errors", errors},
          {"input_file_id", batch.input_file},
          {"completion_window", "24h"},
          {"status", status},
          {"output_file_id", has_output ? Json("file-out-" + batch.id) : Json()},
          {"error_file_id", has_error_file ? Json("file-err-" + batch.id) : Json()},
          {"created_at", batch.created},
          {"in_progress_at", time_if(batch.looks > 0)},
          {"expires_at", batch.created + 86'400},
          {"finalizing_at", time_if(batch.over)},
          {"completed_at", time_if(batch.over && batch.end == "completed")},
          {"failed_at", time_if(failed)},
          {"expired_at", time_if(batch.over && batch.end == "expired")},
          {"cancelling_at", time_if(batch.cancelling)},
          {"cancelled_at", time_if(batch.over && batch.end == "cancelled")},
          {"request_counts",
           {{"total", total},
            {"completed", batch.over ? executed : 0},
            {"failed", batch.over && !failed ? total - executed : 0}}},
          {"metadata", batch.metadata}};
}

Json FakeBatches::anthropic_view(const Batch& batch) const {
  std::int64_t succeeded = 0, errored = 0, canceled = 0, expired = 0;
  for (const Question& one : batch.questions) {
    ++(one.executed ? succeeded : one.bad || one.overloaded ? errored : batch.end == "cancelled" ? canceled : expired);
  }
  const auto total = static_cast<std::int64_t>(batch.questions.size());
  const auto count = [&](std::int64_t number) { return batch.over ? number : 0; };
  return {{"id", batch.id},
          {"type", "message_batch"},
          {"processing_status", batch.over         ? "ended"
                                : batch.cancelling ? "canceling"
                                                   : "in_progress"},
          {"request_counts",
           {{"processing", batch.over ? 0 : total},
            {"succeeded", count(succeeded)},
            {"errored", count(errored)},
            {"canceled", count(canceled)},
            {"expired", count(expired)}}},
          {"ended_at", batch.over ? Json(rfc3339(batch.created + 100)) : Json()},
          {"created_at", rfc3339(batch.created)},
          {"expires_at", rfc3339(batch.created + 3600)},
          {"archived_at", nullptr},
          {"cancel_initiated_at", batch.cancelling ? Json(rfc3339(batch.created + 50)) : Json()},
          {"results_url",
           batch.over ? Json("https://elsewhere.example/v1/messages/batches/" + batch.id + "/results") : Json()}};
}

// In the opposite order, so that nobody relies on one.
std::string FakeBatches::results(const Batch& batch, bool errors) const {
  std::string lines;
  for (std::size_t i = batch.questions.size(); i-- > 0;) {
    const Question& one = batch.questions[i];
    if (!batch.anthropic && one.executed == errors) continue;
    const std::string line = batch.anthropic ? anthropic_line(batch, one, i) : openai_line(batch, one, i);
    if (plan_.drops_lines && i == 0) continue;
    if (plan_.drops_lines && i == 1) {
      lines += line.substr(0, line.size() / 2) + "\n";
      continue;
    }
    if (plan_.drops_lines && i == 2) lines += line;
    lines += line;
  }
  if (plan_.drops_lines)
    lines += R"({"custom_id":"somebody-else","response":null,"error":null})"
             "\n\n";
  return lines;
}

std::string FakeBatches::openai_line(const Batch& batch, const Question& question, std::size_t number) const {
  Json line = {{"id", "batch_req_" + std::to_string(number)}, {"custom_id", question.custom_id}};
  line["response"] = line["error"] = nullptr;
  const auto respond = [&](int status, Json body) {
    line["response"] = {
        {"status_code", status}, {"request_id", "req_" + std::to_string(number)}, {"body", std::move(body)}};
  };
  if (question.executed) {
    respond(200, *parse_json(chat_body(taught(question.body, number))));
  } else if (question.bad) {
    respond(400, *parse_json(chat_error_body({.status = 400, .code = "bad", .message = "this prompt is bad"})));
  } else if (question.overloaded) {
    line["error"] = {{"code", "request_timeout"}, {"message", "The underlying call to the model timed out."}};
  } else {
    const bool cancelled = batch.end == "cancelled";
    line["error"] = {
        {"code", cancelled ? "batch_cancelled" : "batch_expired"},
        {"message", cancelled ? "This request could not be executed before the batch was cancelled."
                              : "This request could not be executed before the completion window expired."}};
  }
  return dump_json(line) + "\n";
}

std::string FakeBatches::anthropic_line(const Batch& batch, const Question& question, std::size_t number) const {
  Json result;
  if (question.executed) {
    const ChatAnswer answer = taught(question.body, number);
    const std::string text = answer.choices.empty() ? "" : answer.choices.front().answer.text;
    result = {{"type", "succeeded"},
              {"message",
               {{"id", "msg_" + std::to_string(number)},
                {"type", "message"},
                {"role", "assistant"},
                {"model", json_text(question.body, "model")},
                {"content", Json::array({{{"type", "text"}, {"text", text}}})},
                {"stop_reason", "end_turn"},
                {"stop_sequence", nullptr},
                {"usage", {{"input_tokens", answer.prompt_tokens}, {"output_tokens", answer.completion_tokens}}}}}};
  } else if (question.bad || question.overloaded) {
    result = {{"type", "errored"},
              {"error", question.bad ? anthropic_error("invalid_request_error", "this prompt is bad")
                                     : anthropic_error("overloaded_error", "Overloaded")}};
  } else {
    result = {{"type", batch.end == "cancelled" ? "canceled" : "expired"}};
  }
  return dump_json({{"custom_id", question.custom_id}, {"result", std::move(result)}}) + "\n";
}

std::string FakeBatches::chat(const std::string& body) {
  const auto parsed = parse_json(body);
  return chat_body(taught(parsed ? *parsed : Json(), 0));
}

std::map<std::string, int> FakeBatches::bought() const {
  const std::lock_guard lock(mutex_);
  std::map<std::string, int> result;
  for (const Batch& batch : batches_) {
    for (const Question& one : batch.questions) result[one.prompt] += one.executed;
  }
  return result;
}

int FakeBatches::created() const {
  const std::lock_guard lock(mutex_);
  return static_cast<int>(batches_.size());
}

Json FakeBatches::asked(const std::string& prompt) const {
  const std::lock_guard lock(mutex_);
  Json last;
  for (const Batch& batch : batches_) {
    for (const Question& question : batch.questions) {
      if (question.prompt == prompt) last = question.body;
    }
  }
  return last;
}

int FakeBatches::uploaded() const {
  const std::lock_guard lock(mutex_);
  return static_cast<int>(files_.size());
}

}  // namespace retort
