#include "core/harvest/attempt.h"

#include "core/base/text.h"

namespace retort {
namespace {

bool worth_keeping(const std::string& header) {
  return header.find("ratelimit") != std::string::npos || header.find("request-id") != std::string::npos ||
         header.rfind("retry-after", 0) == 0 || header == "x-should-retry" || header == "date" || header == "server" ||
         header == "openai-processing-ms" || header == "content-type";
}

}  // namespace

AttemptEnd record_exchange(Flight& flight, const ExchangeTiming& timing, const std::string& credential) {
  AttemptEnd end;
  end.attempt = flight.attempt;
  end.request = flight.work.request;
  end.http_status = flight.head.status;
  end.sent_at = flight.sent_wall;
  end.first_byte = timing.first_byte;
  end.first_token = flight.first_token;
  end.total = timing.total;
  Json kept = Json::object();
  for (const auto& [name, value] : flight.head.headers) {
    if (worth_keeping(name)) kept[name] = redacted(to_valid_utf8(value), credential);
  }
  end.headers = std::move(kept);
  end.raw_body = redacted(std::move(flight.body), credential);
  return end;
}

}  // namespace retort
