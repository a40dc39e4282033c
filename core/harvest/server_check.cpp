#include "core/harvest/server_check.h"

#include "core/base/text.h"
#include "core/harvest/fleet.h"

namespace retort {

ServerCheck::ServerCheck(Transport& transport, const Teacher& teacher, const HarvestSettings& settings)
    : transport_(transport),
      teacher_(teacher),
      settings_(settings),
      done_(!settings.wait_until_ready || !teacher.ask_models()) {}

void ServerCheck::ask(ExchangeId id, Fleet* fleet) {
  HttpRequest request = *teacher_.ask_models();
  if (fleet) fleet->turn_to_next(request);
  if (!settings_.credential.empty()) request.headers.push_back(teacher_.credential_header(settings_.credential));
  request.connect_timeout = settings_.connect_timeout;
  request.total_timeout = settings_.connect_timeout;
  id_ = id;
  head_ = {};
  body_.clear();
  transport_.submit(id, std::move(request));
}

void ServerCheck::on(const ResponseBytes& event) {
  constexpr std::size_t kBytesMax = 1u << 20;
  if (body_.size() < kBytesMax) body_ += event.bytes;
}

std::optional<std::string> ServerCheck::on(const ResponseEnd& event) {
  id_.reset();
  constexpr int kLoading = 503;
  if (event.fault != NetFault::none) return "no server: " + redacted(on_one_line(event.detail), settings_.credential);
  if (head_.status == kLoading) return "the server is not ready yet (503)";
  done_ = true;
  facts_ = teacher_.read_models(head_, body_);
  return {};
}

void ServerCheck::cancel() {
  if (id_) transport_.cancel(*id_);
  id_.reset();
}

std::string ServerCheck::notice() const {
  if (!facts_) return {};
  if (facts_->context_tokens)
    return "the server is ready; its context is " + std::to_string(*facts_->context_tokens) + " tokens";
  if (facts_->has_model || facts_->models.empty()) return {};
  return "the server lists " +
         shortened(redacted(on_one_line(to_valid_utf8(facts_->models.front())), settings_.credential), 80) +
         (facts_->models.size() > 1 ? " and others" : "") + ", not " + settings_.model;
}

std::optional<std::string> ServerCheck::cannot_fit(const Cost& bound, std::optional<std::int64_t> max_tokens) const {
  // The bound counts bytes. No tokenizer makes longer tokens of prose; what may fit is left to the server.
  constexpr std::int64_t kBytesPerTokenHigh = 12;
  if (!facts_ || !facts_->context_tokens) return {};
  if (bound.input / kBytesPerTokenHigh + max_tokens.value_or(1) <= *facts_->context_tokens) return {};
  return "prompt and max_tokens exceed the server's context of " + std::to_string(*facts_->context_tokens) +
         " tokens: not sent";
}

}  // namespace retort
