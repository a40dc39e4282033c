// Before the first question: a server of one's own may still be loading its model, and knows what fits into its
// context.
#pragma once

#include <optional>
#include <string>

#include "core/harvest/harvester.h"

namespace retort {

class Fleet;

/// One exchange about the server itself, repeated until there is an answer. Owns no clock and does not wait.
class ServerCheck {
 public:
  /// All must outlive it. A check that is not wanted, or that the dialect does not know, is done from the start.
  ServerCheck(Transport& transport, const Teacher& teacher, const HarvestSettings& settings);

  bool done() const { return done_; }
  bool under_way() const { return id_.has_value(); }
  bool owns(ExchangeId id) const { return id_ == id; }

  /// `fleet`: whose endpoints are asked in turn; null if there is one.
  void ask(ExchangeId id, Fleet* fleet);
  void on(ResponseHead& event) { head_ = std::move(event.head); }
  void on(const ResponseBytes& event);
  /// Why the server is not ready; nothing if it is, or answers otherwise and so is there.
  std::optional<std::string> on(const ResponseEnd& event);
  void cancel();

  /// What the user should know of the answer, once it has come: one line, or none.
  std::string notice() const;
  /// Why such a question surely exceeds the server's context, so that it would only be refused; nothing if it may fit.
  std::optional<std::string> cannot_fit(const Cost& bound, std::optional<std::int64_t> max_tokens) const;

 private:
  Transport& transport_;
  const Teacher& teacher_;
  const HarvestSettings& settings_;
  bool done_;
  std::optional<ExchangeId> id_;
  HttpHead head_;
  std::string body_;
  std::optional<ServerFacts> facts_;
};

}  // namespace retort
