// What a refusing HTTP response means. Shared by the dialects: providers differ in words, not in kind.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/json.h"
#include "core/teacher/teacher.h"

namespace retort {

/// What an error body says. `type`, `code` and `message` may each be missing, null, a number or an object: they are
/// text here, empty if absent.
struct ProviderError {
  std::string type, code, message;
  std::vector<std::string> more_codes = {};  ///< `status`, `details.error_code` and details' `reason`
  std::vector<std::string> quotas = {};      ///< Gemini's QuotaFailure: each violated quotaId
  std::optional<Duration> retry_after = {};  ///< Gemini's RetryInfo.retryDelay

  /// Whether one of its words (type or one of the codes) is that.
  bool says(std::string_view word) const;
};
/// The `error` of a reply's body, or nothing: absent, null, false and empty ones are none. Gemini wraps the object in
/// an array of one.
std::optional<ProviderError> provider_error(const Json& body);

/// Classifies a response whose status is not 2xx; `error` is what its body said, if it was JSON.
Rejection reject_status(const HttpHead& head, const std::optional<ProviderError>& error, std::string_view body);

/// Classifies an `error` object that came with status 200, as OpenRouter sends it: its code may be the status meant.
Rejection reject_error(const ProviderError& error);

}  // namespace retort
