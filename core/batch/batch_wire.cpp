#include "core/batch/batch_wire.h"

#include "core/base/text.h"
#include "core/harvest/rate_signals.h"
#include "core/teacher/http_errors.h"

namespace retort {
namespace {

constexpr Errc kUnreachable = Errc::refused;

Errc code_of(const Rejection& rejection) {
  return rejection.kind == Rejection::Kind::quota ? Errc::quota : Errc::refused;
}

bool never_left(NetFault fault) {
  return fault == NetFault::resolve || fault == NetFault::connect || fault == NetFault::tls || fault == NetFault::local;
}

}  // namespace

BatchWire::BatchWire(const Clock& clock, Transport& transport, WireSettings settings,
                     std::function<bool()> stop_requested, std::uint64_t seed)
    : clock_(clock),
      transport_(transport),
      settings_(std::move(settings)),
      stop_requested_(std::move(stop_requested)),
      random_(seed) {}

WireResult BatchWire::ask(const HttpRequest& request) { return repeat(request, true, {}, nullptr); }
WireResult BatchWire::ask_once(const HttpRequest& request) { return repeat(request, false, {}, nullptr); }

WireResult BatchWire::stream(HttpRequest request, const std::function<void()>& begin,
                             const std::function<bool(std::string_view)>& bytes) {
  // What comes is taken as it comes: its size is no matter of memory.
  request.body_bytes_max = std::size_t{1} << 50;
  request.total_timeout = std::max<Duration>(settings_.total_timeout, 24h);
  request.idle_timeout = 10min;
  return repeat(request, true, begin, &bytes);
}

bool BatchWire::sleep(Duration duration) {
  const Instant until = clock_.now() + duration;
  while (!stop_requested_()) {
    if (clock_.now() >= until) return true;
    transport_.wait(until);
  }
  return false;
}

void BatchWire::idle() { transport_.wait(Instant::never()); }

BatchWire::Exchange BatchWire::exchange(const HttpRequest& asked, bool interruptible,
                                        const std::function<bool(std::string_view)>* bytes) {
  constexpr std::size_t kErrorBytesMax = 1 << 20;
  HttpRequest request = asked;
  if (!bytes) {
    request.total_timeout = settings_.total_timeout;
    request.body_bytes_max = settings_.body_bytes_max;
  }
  if (!settings_.credential.first.empty()) request.headers.push_back(settings_.credential);
  request.connect_timeout = settings_.connect_timeout;
  const ExchangeId id{++last_exchange_};
  Exchange result;
  transport_.submit(id, std::move(request));
  while (true) {
    for (NetEvent& event : transport_.wait(Instant::never())) {
      if (auto* head = std::get_if<ResponseHead>(&event); head && head->id == id) {
        result.reply.head = std::move(head->head);
      } else if (auto* piece = std::get_if<ResponseBytes>(&event); piece && piece->id == id) {
        if (!bytes || result.reply.head.status / 100 != 2) {
          if (!bytes || result.reply.body.size() < kErrorBytesMax) result.reply.body += piece->bytes;
        } else if (!(*bytes)(piece->bytes)) {
          transport_.cancel(id);
          return result;
        }
      } else if (auto* end = std::get_if<ResponseEnd>(&event); end && end->id == id) {
        result.fault = end->fault;
        result.detail = end->detail;
        result.possibly_billed = end->possibly_billed;
        return result;
      }
    }
    if (interruptible && stop_requested_()) {
      transport_.cancel(id);
      result.stopped = true;
      return result;
    }
  }
}

WireResult BatchWire::repeat(const HttpRequest& asked, bool harmless, const std::function<void()>& begin,
                             const std::function<bool(std::string_view)>* bytes) {
  int failures = 0;
  const Instant patience = clock_.now() + settings_.retry.patience;
  while (true) {
    if (begin) begin();
    Exchange exchange = this->exchange(asked, harmless, bytes);
    if (exchange.stopped)
      return WireTrouble{{Errc::interrupted, "stopped by a signal"}, exchange.reply.head.status, true};
    exchange.reply.body = redacted(std::move(exchange.reply.body), settings_.key);
    const int status = exchange.reply.head.status;
    if (exchange.fault == NetFault::none && status / 100 == 2) return std::move(exchange.reply);

    WireTrouble trouble;
    trouble.status = exchange.fault == NetFault::none ? status : 0;
    Duration wait = full_jitter(settings_.retry, failures, random_);
    bool again = false;
    if (exchange.fault != NetFault::none) {
      trouble.error = {kUnreachable,
                       "the provider cannot be reached: " + redacted(on_one_line(exchange.detail), settings_.key)};
      trouble.may_have_worked = exchange.possibly_billed && !never_left(exchange.fault);
      again = exchange.fault != NetFault::too_large && (harmless || !trouble.may_have_worked);
    } else {
      const Result<Json> parsed = parse_reply_json(exchange.reply.body);
      const Rejection rejection =
          reject_status(exchange.reply.head, parsed ? provider_error(*parsed) : std::nullopt, exchange.reply.body);
      trouble.error = {code_of(rejection), "the provider refuses (" + rejection.word + "): " + rejection.detail};
      const bool limited = rejection.kind == Rejection::Kind::rate_limited;
      trouble.may_have_worked = rejection.kind == Rejection::Kind::transient;
      again = limited || (harmless && trouble.may_have_worked);
      const RateSignals signals = read_rate_signals(exchange.reply.head, clock_.wall());
      if (signals.retry_after) wait = std::min(*signals.retry_after, settings_.retry.retry_after_cap);
    }
    ++failures;
    const bool enough = failures >= settings_.tries || clock_.now() + wait > patience;
    if (!again || enough) return trouble;
    if (!sleep(std::max<Duration>(wait, 100ms)))
      return WireTrouble{{Errc::interrupted, "stopped by a signal"}, trouble.status, trouble.may_have_worked};
  }
}

}  // namespace retort
