#include "core/teacher/http_errors.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "core/base/text.h"

namespace retort {
namespace {

using Kind = Rejection::Kind;

constexpr std::size_t kDetailBytesMax = 240;

std::string scalar_text(const Json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return {};
  return found->is_string() ? found->get<std::string>() : dump_json(*found);
}

/// "22s", "0.5s": protobuf's JSON for a duration.
std::optional<Duration> proto_duration(std::string_view text) {
  if (text.size() < 2 || text.back() != 's') return {};
  text.remove_suffix(1);
  double value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  if (problem == std::errc::result_out_of_range) return from_seconds(1e300);
  if (problem != std::errc() || end != text.data() + text.size() || value < 0) return {};
  return from_seconds(value);
}

void read_quota_id(const Json& object, ProviderError& error) {
  if (std::string id = json_text(object, "quotaId"); !id.empty()) error.quotas.push_back(std::move(id));
}

/// `details` is a list of typed objects (Google) or an object with an error_code (Anthropic).
void read_details(const Json& details, ProviderError& error) {
  if (std::string code = json_text(details, "error_code"); !code.empty()) error.more_codes.push_back(std::move(code));
  if (!details.is_array()) return;
  for (const Json& detail : details) {
    if (std::string reason = json_text(detail, "reason"); !reason.empty())
      error.more_codes.push_back(std::move(reason));
    if (const auto wait = proto_duration(json_text(detail, "retryDelay"))) error.retry_after = wait;
    read_quota_id(detail, error);
    for (const Json& violation : json_child(detail, "violations")) read_quota_id(violation, error);
  }
}

// A 429 of these kinds is no rate limit: waiting does not help, money or an administrator does.
bool means_quota(const ProviderError& error, bool told_to_wait) {
  constexpr std::array<std::string_view, 7> kWords = {"billing_error",
                                                      "insufficient_quota",
                                                      "credit_balance_exhausted",
                                                      "organization_spend_limit_exceeded",
                                                      "project_spend_limit_exceeded",
                                                      "organization_usage_limit_exceeded",
                                                      "billing_hard_limit_reached"};
  if (std::any_of(kWords.begin(), kWords.end(), [&](std::string_view word) { return error.says(word); })) return true;
  // Anthropic says so with status 400 and no word of its own for it.
  if (error.message.find("credit balance is too low") != std::string::npos) return true;
  // Gemini names the retryDelay of the minute beside the quota of the day: the day decides.
  const auto of_day = [](const std::string& id) { return lower_ascii(id).find("perday") != std::string::npos; };
  if (std::any_of(error.quotas.begin(), error.quotas.end(), of_day)) return true;
  return error.says("enforced_spend_limit_reached") && !told_to_wait;
}

Rejection::Limit limit_of(const ProviderError& error) {
  using Limit = Rejection::Limit;
  // OpenAI and Groq say it in `type`, Together in a word of its own.
  if (error.says("tokens") || error.says("dynamic_token_limited")) return Limit::tokens;
  if (error.says("requests") || error.says("dynamic_request_limited")) return Limit::requests;
  for (const std::string& quota : error.quotas) {
    const std::string id = lower_ascii(quota);
    if (id.find("token") != std::string::npos) return Limit::tokens;
    if (id.find("request") != std::string::npos) return Limit::requests;
  }
  return Limit::unknown;
}

bool means_rate_limit(const ProviderError& error) {
  constexpr std::array<std::string_view, 7> kWords = {
      "rate_limit_exceeded",     "rate_limit_error",      "rate_limited",      "too_many_requests",
      "dynamic_request_limited", "dynamic_token_limited", "RESOURCE_EXHAUSTED"};
  return std::any_of(kWords.begin(), kWords.end(), [&](std::string_view word) { return error.says(word); });
}

std::string detail_of(const std::optional<ProviderError>& error, std::string_view body) {
  const std::string_view text =
      error && !error->message.empty() ? std::string_view(error->message) : body.substr(0, 4096);
  return shortened(on_one_line(to_valid_utf8(text)), kDetailBytesMax);
}

Kind kind_of_status(int status) {
  switch (status) {
    case 429:
      return Kind::rate_limited;
    case 402:
      return Kind::quota;
    // 401, 403, 404: the next request would hear the same. A redirect, because following it would carry the credential
    // to somebody the user never named.
    case 401:
    case 403:
    case 404:
    case 301:
    case 302:
    case 303:
    case 307:
    case 308:
      return Kind::refused_us;
    case 408:
    case 409:
      return Kind::transient;
    default:
      return status >= 500 || status < 300 ? Kind::transient : Kind::permanent;
  }
}

std::string word_of_status(int status) { return status == 413 ? "too_large" : "http_" + std::to_string(status); }

void heed(const ProviderError& error, bool told_to_wait, Rejection& rejection) {
  rejection.retry_after = error.retry_after;
  rejection.slow_down = error.says("slow_down");
  if (means_quota(error, told_to_wait)) {
    rejection.kind = Kind::quota;
    rejection.word = "quota";
  }
  if (rejection.kind == Kind::rate_limited) rejection.limit = limit_of(error);
  // Gemini's word, with status 400: every request would hear the same.
  if (error.says("API_KEY_INVALID")) rejection.kind = Kind::refused_us;
}

/// The server knows best whether the same request can succeed.
void heed_should_retry(const HttpHead& head, bool told_to_wait, Rejection& rejection) {
  const auto hint = head.find("x-should-retry");
  if (!hint) return;
  if (*hint == "true" && rejection.kind == Kind::permanent) rejection.kind = Kind::transient;
  if (*hint != "false") return;
  if (rejection.kind == Kind::transient) rejection.kind = Kind::permanent;
  // Too many requests, and waiting does not help: that is no rate limit, whatever it is called.
  if (rejection.kind == Kind::rate_limited && !told_to_wait) {
    rejection.kind = Kind::quota;
    rejection.word = "quota";
  }
}

}  // namespace

bool ProviderError::says(std::string_view word) const {
  return type == word || code == word || std::find(more_codes.begin(), more_codes.end(), word) != more_codes.end();
}

std::optional<ProviderError> provider_error(const Json& body) {
  if (body.is_array()) return body.size() == 1 && body[0].is_object() ? provider_error(body[0]) : std::nullopt;
  if (!body.is_object()) return {};
  const auto found = body.find("error");
  if (found == body.end() || found->is_null() || found->empty() || *found == false || *found == "") return {};
  if (!found->is_object()) {
    return ProviderError{"", "", found->is_string() ? found->get<std::string>() : dump_json(*found)};
  }
  ProviderError error{scalar_text(*found, "type"), scalar_text(*found, "code"), scalar_text(*found, "message")};
  if (std::string status = json_text(*found, "status"); !status.empty()) error.more_codes.push_back(std::move(status));
  read_details(json_child(*found, "details"), error);
  read_details(json_child(body, "details"), error);
  return error;
}

Rejection reject_status(const HttpHead& head, const std::optional<ProviderError>& error, std::string_view body) {
  Rejection rejection;
  rejection.kind = kind_of_status(head.status);
  rejection.word = word_of_status(head.status);
  rejection.detail = detail_of(error, body);
  if (head.status > 300 && head.status < 309 && rejection.kind == Kind::refused_us) {
    rejection.detail = "a redirect, which is never followed; if it is right, put its target into base_url: " +
                       shortened(on_one_line(to_valid_utf8(head.find("location").value_or(""))), kDetailBytesMax);
  }
  const bool told_to_wait = head.find("retry-after") || head.find("retry-after-ms") || (error && error->retry_after);
  if (error) heed(*error, told_to_wait, rejection);
  heed_should_retry(head, told_to_wait, rejection);
  return rejection;
}

Rejection reject_error(const ProviderError& error) {
  Rejection rejection;
  int status = 0;
  std::from_chars(error.code.data(), error.code.data() + error.code.size(), status);
  if (status >= 400 && status < 600) {
    rejection.kind = kind_of_status(status);
    // With a 200 before it, 403 and 404 speak of this prompt (moderation, no provider that takes it), not of the key.
    if (status == 403 || status == 404) rejection.kind = Kind::permanent;
  }
  if (means_rate_limit(error)) rejection.kind = Kind::rate_limited;
  rejection.word = "error_in_200";
  rejection.detail = detail_of(error, {});
  heed(error, error.retry_after.has_value(), rejection);
  return rejection;
}

}  // namespace retort
