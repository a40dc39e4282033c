// Anthropic's Message Batches: questions go up within the request that makes the batch, results come down as lines in
// any order. A batch carries no word of ours but the custom_ids of its questions, which only its results show again.
#include <array>

#include "core/base/json.h"
#include "core/base/text.h"
#include "core/batch/batch_list.h"
#include "core/batch/result_lines.h"
#include "core/harvest/rate_signals.h"

namespace retort {
namespace {

// The status with which a single question would have got such an error.
int status_of(const std::string& type) {
  struct Known {
    std::string_view type;
    int status;
  };
  constexpr std::array<Known, 9> kKnown = {{{"invalid_request_error", 400},
                                            {"authentication_error", 401},
                                            {"billing_error", 402},
                                            {"permission_error", 403},
                                            {"not_found_error", 404},
                                            {"request_too_large", 413},
                                            {"rate_limit_error", 429},
                                            {"timeout_error", 504},
                                            {"overloaded_error", 529}}};
  for (const Known& one : kKnown) {
    if (type == one.type) return one.status;
  }
  return 500;
}

class AnthropicBatch final : public BatchList {
 public:
  AnthropicBatch(const std::string& base_url, std::vector<HttpHeader> headers)
      : BatchList(base_url + "/v1/messages/batches", std::move(headers)) {}

  BatchSize size_max() const override { return {100'000, 256'000'000}; }
  bool takes_files() const override { return false; }
  bool tells_whose() const override { return false; }

  std::string line(const std::string& id, const HttpRequest& encoded) const override {
    return R"({"custom_id":")" + id + R"(","params":)" + encoded.body + "}\n";
  }

  HttpRequest upload(const std::string&, const std::string&) const override { return {}; }
  std::optional<std::string> read_upload(std::string_view) const override { return {}; }

  HttpRequest create(const std::string&, const std::string&, const std::string& lines) const override {
    HttpRequest request = to("POST", "");
    request.headers.emplace_back("content-type", "application/json");
    request.body.reserve(lines.size() + 32);
    request.body = "{\"requests\":[";
    request.body += lines;
    // Between two lines stands a line feed, and none within one.
    for (char& c : request.body) c = c == '\n' ? ',' : c;
    if (request.body.back() == ',') request.body.pop_back();
    request.body += "]}";
    return request;
  }

  HttpRequest look(const std::string& id) const override { return to("GET", "/" + id); }
  HttpRequest cancel(const std::string& id) const override { return to("POST", "/" + id + "/cancel"); }
  HttpRequest list(const std::string& after) const override {
    return to("GET", "?limit=100" + (after.empty() ? std::string() : "&after_id=" + after));
  }
  // Not results_url: a server does not say where our key goes.
  HttpRequest results(const std::string& id) const override { return to("GET", "/" + id + "/results"); }

  std::optional<BatchLine> read_line(std::string_view line) const override {
    const Result<Json> parsed = parse_reply_json(line);
    if (!parsed || !parsed->is_object()) return {};
    BatchLine result;
    result.custom_id = json_text(*parsed, "custom_id");
    if (result.custom_id.empty()) return {};
    const Json& outcome = json_child(*parsed, "result");
    const std::string type = json_text(outcome, "type");
    if (type == "succeeded") {
      result.status = 200;
      result.body = raw_member(line, {"result", "message"});
      return result;
    }
    if (type == "errored") {
      // {type: "error", error: {type, message}}, as a single question would have got it.
      const Json& error = json_child(outcome, "error");
      const Json& inner = error.contains("error") ? json_child(error, "error") : error;
      result.status = status_of(json_text(inner, "type"));
      result.request_id = to_valid_utf8(json_text(error, "request_id"));
      result.body = raw_member(line, {"result", "error"});
      return result;
    }
    result.never_asked = type == "canceled" || type == "expired";
    result.problem = type == "canceled" ? "batch_cancelled" : type == "expired" ? "batch_expired" : "batch_no_reply";
    if (!result.never_asked) result.detail = one_line(type);
    return result;
  }

 private:
  std::optional<BatchView> view_of(const Json& batch) const override {
    BatchView view;
    view.id = json_text(batch, "id");
    view.status = one_line(json_text(batch, "processing_status"));
    if (!is_plain_id(view.id) || view.status.empty()) return {};
    view.over = view.status == "ended";
    const Json& counts = json_child(batch, "request_counts");
    const auto count = [&](const char* name) { return json_count(counts, name).value_or(0); };
    constexpr std::int64_t kSaneMax = std::int64_t{1} << 40;
    view.completed = std::min(count("succeeded"), kSaneMax);
    view.failed = std::min(count("errored"), kSaneMax) + std::min(count("canceled"), kSaneMax) +
                  std::min(count("expired"), kSaneMax);
    view.total = view.completed + view.failed + std::min(count("processing"), kSaneMax);
    view.created = parse_rfc3339(json_text(batch, "created_at"));
    view.expires = parse_rfc3339(json_text(batch, "expires_at"));
    view.has_results = json_text(batch, "archived_at").empty();
    if (view.over) view.result_files.push_back(view.id);
    return view;
  }
};

}  // namespace

std::unique_ptr<BatchApi> make_anthropic_batch(const std::string& base_url, std::vector<HttpHeader> headers) {
  return std::make_unique<AnthropicBatch>(base_url, std::move(headers));
}

}  // namespace retort
