#include "core/teacher/http_errors.h"

#include <algorithm>
#include <array>

#include "core/base/text.h"

namespace retort {
namespace {

constexpr std::size_t kDetailBytesMax = 240;

std::string scalar_text(const Json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return {};
  return found->is_string() ? found->get<std::string>() : dump_json(*found);
}

// A 429 of these kinds is no rate limit: waiting does not help, money or an administrator does.
bool means_quota(const ProviderError& error) {
  constexpr std::array<std::string_view, 7> kWords = {
      "insufficient_quota",           "credit_balance_exhausted",          "organization_spend_limit_exceeded",
      "project_spend_limit_exceeded", "organization_usage_limit_exceeded", "enforced_spend_limit_reached",
      "billing_hard_limit_reached"};
  return std::any_of(kWords.begin(), kWords.end(),
                     [&](std::string_view word) { return error.type == word || error.code == word; });
}

std::string detail_of(const std::optional<ProviderError>& error, std::string_view body) {
  const std::string_view text =
      error && !error->message.empty() ? std::string_view(error->message) : body.substr(0, 4096);
  return shortened(on_one_line(to_valid_utf8(text)), kDetailBytesMax);
}

}  // namespace

std::optional<ProviderError> provider_error(const Json& body) {
  if (!body.is_object()) return {};
  const auto found = body.find("error");
  if (found == body.end() || found->is_null()) return {};
  if (found->is_object()) {
    return ProviderError{scalar_text(*found, "type"), scalar_text(*found, "code"), scalar_text(*found, "message")};
  }
  return ProviderError{"", "", found->is_string() ? found->get<std::string>() : dump_json(*found)};
}

Rejection reject_status(const HttpHead& head, const std::optional<ProviderError>& error, std::string_view body) {
  Rejection rejection;
  rejection.word = "http_" + std::to_string(head.status);
  rejection.detail = detail_of(error, body);
  using Kind = Rejection::Kind;
  switch (head.status) {
    case 429:
      rejection.kind = Kind::rate_limited;
      break;
    case 401:
    case 403:
    case 404:
      rejection.kind = Kind::refused_us;
      break;
    case 402:
      rejection.kind = Kind::quota;
      break;
    case 408:
    case 409:
      rejection.kind = Kind::transient;
      break;
    case 301:
    case 302:
    case 303:
    case 307:
    case 308:
      // Following it would carry the credential to somebody the user never named.
      rejection.kind = Kind::refused_us;
      rejection.detail = "a redirect, which is never followed; if it is right, put its target into base_url: " +
                         shortened(on_one_line(to_valid_utf8(head.find("location").value_or(""))), kDetailBytesMax);
      break;
    default:
      rejection.kind = head.status >= 500 || head.status < 300 ? Kind::transient : Kind::permanent;
  }
  if (error && means_quota(*error)) {
    rejection.kind = Kind::quota;
    rejection.word = "quota";
  }
  // The server knows best whether the same request can succeed.
  if (const auto hint = head.find("x-should-retry")) {
    if (*hint == "false" && rejection.kind == Kind::transient) rejection.kind = Kind::permanent;
    if (*hint == "true" && rejection.kind == Kind::permanent) rejection.kind = Kind::transient;
  }
  return rejection;
}

Rejection reject_error(const ProviderError& error) {
  Rejection rejection;
  rejection.kind = means_quota(error) ? Rejection::Kind::quota : Rejection::Kind::transient;
  if (error.code == "429" || error.code == "rate_limit_exceeded") rejection.kind = Rejection::Kind::rate_limited;
  rejection.word = rejection.kind == Rejection::Kind::quota ? "quota" : "error_in_200";
  rejection.detail = detail_of(error, {});
  return rejection;
}

}  // namespace retort
