// What the world does wrong (network, disk, teacher, input) is a value, not an exception.
// Spelled like std::expected, so that it can become one.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "core/base/assert.h"

namespace retort {

/// Why something failed. A code exists only because some caller branches on it: each has an
/// exit code of its own, and `quota`, `refused` and `disk` also decide what the harvest does next.
enum class Errc {
  internal,     ///< a bug of ours, exit 1
  usage,        ///< flags, configuration or input, exit 2
  partial,      ///< finished, some rows failed, exit 3
  refused,      ///< the teacher refuses us: authentication, no such model, exit 4
  quota,        ///< the provider's quota is used up, exit 5
  terms,        ///< the terms do not allow it, exit 6
  corpus,       ///< the corpus is unusable or locked, exit 7
  disk,         ///< disk full or failing, exit 8
  interrupted,  ///< drained after a signal, exit 130 or 143
};

/// One clear line: what happened, to what, and what to do next. Never a key, never a whole prompt.
struct Error {
  Errc code = Errc::internal;
  std::string message;
};

/// Makes a failed Result of any type: `return fail(Errc::usage, "no such file: a.jsonl");`
struct Failure {
  Error error;
};
inline Failure fail(Errc code, std::string message) { return {{code, std::move(message)}}; }
inline Failure fail(Error error) { return {std::move(error)}; }

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT: implicit like std::expected
  Result(Failure failure) : state_(std::in_place_index<1>, std::move(failure.error)) {}  // NOLINT

  bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }

  T& value() & { return (RETORT_ASSERT(has_value()), *std::get_if<0>(&state_)); }
  const T& value() const& { return (RETORT_ASSERT(has_value()), *std::get_if<0>(&state_)); }
  T&& value() && { return (RETORT_ASSERT(has_value()), std::move(*std::get_if<0>(&state_))); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  const Error& error() const { return (RETORT_ASSERT(!has_value()), *std::get_if<1>(&state_)); }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Failure failure) : error_(std::move(failure.error)) {}  // NOLINT: implicit like std::expected

  bool has_value() const { return !error_; }
  explicit operator bool() const { return has_value(); }
  const Error& error() const { return (RETORT_ASSERT(error_.has_value()), *error_); }

 private:
  std::optional<Error> error_;
};

}  // namespace retort
