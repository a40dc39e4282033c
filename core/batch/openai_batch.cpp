// OpenAI's batch API, which others copy: a file of questions goes up, a batch is made of it, files of answers and of
// errors come down. Half the price, within a day.
#include <algorithm>

#include "core/base/json.h"
#include "core/base/text.h"
#include "core/batch/batch_list.h"
#include "core/batch/result_lines.h"

namespace retort {
namespace {

constexpr const char* kKeyName = "retort_batch";

std::optional<WallTime> time_of(const Json& object, const char* name) {
  const auto at = json_count(object, name);
  constexpr std::int64_t kSecondsMax = std::int64_t{1} << 42;
  if (!at || *at == 0 || *at > kSecondsMax) return {};
  return WallTime{*at * 1000};
}

// {data: [{code, message, line}]}: the first says enough.
std::string first_problem(const Json& errors) {
  const Json& list = json_child(errors, "data");
  if (!list.is_array() || list.empty()) return {};
  const Json& first = list.front();
  std::string text = json_text(first, "code");
  if (const std::string message = json_text(first, "message"); !message.empty())
    text += (text.empty() ? "" : ": ") + message;
  if (const auto line = json_count(first, "line")) text += " (line " + std::to_string(*line) + ")";
  if (list.size() > 1) text += ", and " + std::to_string(list.size() - 1) + " more";
  return one_line(text);
}

bool is_any_of(const std::string& word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

class OpenAiBatch final : public BatchList {
 public:
  OpenAiBatch(std::string base_url, std::vector<HttpHeader> headers)
      : BatchList(std::move(base_url), std::move(headers)) {}

  BatchSize size_max() const override { return {50'000, 200'000'000}; }
  bool takes_files() const override { return true; }
  bool tells_whose() const override { return true; }

  std::string line(const std::string& id, const HttpRequest& encoded) const override {
    // Where the questions belong is said by path, whatever the server's own prefix is.
    const std::string path = "/v1" + encoded.url.substr(std::min(url_.size(), encoded.url.size()));
    return R"({"custom_id":")" + id + R"(","method":"POST","url":)" + dump_json(path) + R"(,"body":)" + encoded.body +
           "}\n";
  }

  HttpRequest upload(const std::string& key, const std::string& lines) const override {
    // Lines are JSON, which writes a line feed as \n: no part of it can look like the boundary.
    const std::string boundary = "retort-batch-" + key;
    const std::string part = "--" + boundary + "\r\nContent-Disposition: form-data; name=";
    HttpRequest request = to("POST", "/files");
    request.headers.emplace_back("content-type", "multipart/form-data; boundary=" + boundary);
    request.body.reserve(lines.size() + 512);
    request.body += part + "\"purpose\"\r\n\r\nbatch\r\n";
    request.body += part + "\"file\"; filename=\"retort-" + key + ".jsonl\"\r\nContent-Type: application/jsonl\r\n\r\n";
    request.body += lines;
    request.body += "\r\n--" + boundary + "--\r\n";
    return request;
  }

  std::optional<std::string> read_upload(std::string_view body) const override {
    const Result<Json> parsed = parse_reply_json(body);
    std::string id = parsed ? json_text(*parsed, "id") : std::string();
    return is_plain_id(id) ? std::optional(std::move(id)) : std::nullopt;
  }

  HttpRequest create(const std::string& key, const std::string& input_file, const std::string& lines) const override {
    const Result<Json> first = parse_json(std::string_view(lines).substr(0, lines.find('\n')));
    HttpRequest request = to("POST", "/batches");
    request.headers.emplace_back("content-type", "application/json");
    request.body = dump_json({{"input_file_id", input_file},
                              {"endpoint", first ? json_text(*first, "url") : std::string()},
                              {"completion_window", "24h"},
                              {"metadata", {{kKeyName, key}}}});
    return request;
  }

  HttpRequest look(const std::string& id) const override { return to("GET", "/batches/" + id); }
  HttpRequest cancel(const std::string& id) const override { return to("POST", "/batches/" + id + "/cancel"); }
  HttpRequest list(const std::string& after) const override {
    return to("GET", "/batches?limit=100" + (after.empty() ? std::string() : "&after=" + after));
  }
  HttpRequest results(const std::string& file) const override { return to("GET", "/files/" + file + "/content"); }

  std::optional<BatchLine> read_line(std::string_view line) const override {
    const Result<Json> parsed = parse_reply_json(line);
    if (!parsed || !parsed->is_object()) return {};
    BatchLine result;
    result.custom_id = json_text(*parsed, "custom_id");
    if (result.custom_id.empty()) return {};
    const Json& response = json_child(*parsed, "response");
    if (const auto status = json_count(response, "status_code"); status && *status >= 100 && *status < 1000) {
      result.status = static_cast<int>(*status);
      result.request_id = to_valid_utf8(json_text(response, "request_id"));
      result.body = raw_member(line, {"response", "body"});
      return result;
    }
    const Json& error = json_child(*parsed, "error");
    result.problem = one_line(json_text(error, "code"));
    result.detail = one_line(json_text(error, "message"));
    result.never_asked = result.problem == "batch_expired" || result.problem == "batch_cancelled";
    if (result.problem.empty()) result.problem = "batch_no_reply";
    return result;
  }

 private:
  std::optional<BatchView> view_of(const Json& batch) const override {
    BatchView view;
    view.id = json_text(batch, "id");
    view.status = one_line(lower_ascii(json_text(batch, "status")));
    if (!is_plain_id(view.id) || view.status.empty()) return {};
    view.rejected = view.status == "failed";
    view.ran_out = is_any_of(view.status, {"expired", "cancelled", "canceled"});
    view.over = view.rejected || view.ran_out || view.status == "completed";
    const Json& counts = json_child(batch, "request_counts");
    view.total = json_count(counts, "total").value_or(0);
    view.completed = json_count(counts, "completed").value_or(0);
    view.failed = json_count(counts, "failed").value_or(0);
    view.input_file = json_text(batch, "input_file_id");
    for (const char* file : {"output_file_id", "error_file_id"}) {
      if (std::string id = json_text(batch, file); is_plain_id(id)) view.result_files.push_back(std::move(id));
    }
    // A batch that failed after it had begun still has what it paid for.
    if (!view.result_files.empty()) view.rejected = false;
    view.key = json_text(json_child(batch, "metadata"), kKeyName);
    view.problem = first_problem(json_child(batch, "errors"));
    view.created = time_of(batch, "created_at");
    view.expires = time_of(batch, "expires_at");
    return view;
  }
};

}  // namespace

std::unique_ptr<BatchApi> make_openai_batch(const std::string& base_url, std::vector<HttpHeader> headers) {
  return std::make_unique<OpenAiBatch>(base_url, std::move(headers));
}

Result<std::unique_ptr<BatchApi>> make_batch_api(const std::string& dialect, const std::string& base_url,
                                                 std::vector<HttpHeader> headers) {
  if (dialect == "openai-chat" || dialect == "openai-responses" || dialect == "openai-completions")
    return make_openai_batch(base_url, std::move(headers));
  if (dialect == "anthropic") return make_anthropic_batch(base_url, std::move(headers));
  return fail(Errc::usage,
              "the dialect " + dialect +
                  " has no batch API that retort speaks (OpenAI's and Anthropic's are): use retort harvest");
}

}  // namespace retort
