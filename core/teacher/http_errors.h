// What a refusing HTTP response means. Shared by the dialects: providers differ in words, not in kind.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/base/json.h"
#include "core/teacher/teacher.h"

namespace retort {

/// `type`, `code` and `message` of an error object, each of which may be missing, null, a number or an object.
struct ProviderError {
  std::string type, code, message;
};
/// The `error` member of a reply's body, or nothing.
std::optional<ProviderError> provider_error(const Json& body);

/// Classifies a response whose status is not 2xx; `error` is what its body said, if it was JSON.
Rejection reject_status(const HttpHead& head, const std::optional<ProviderError>& error, std::string_view body);

/// Classifies an `error` object that came with status 200, as OpenRouter sends it.
Rejection reject_error(const ProviderError& error);

}  // namespace retort
