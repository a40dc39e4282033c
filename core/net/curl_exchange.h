// One request and its response on libcurl's side: options, callbacks, and what libcurl's verdict means. No loop, no
// waiting.
#pragma once

#include <curl/curl.h>

#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/base/clock.h"
#include "core/net/transport.h"
#include "core/net/transport_settings.h"

namespace retort {

struct CurlEasyDeleter {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct CurlListDeleter {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using CurlEasy = std::unique_ptr<CURL, CurlEasyDeleter>;
using CurlList = std::unique_ptr<curl_slist, CurlListDeleter>;

/// A handle of libcurl with the request that it was last set up for: the next one mostly differs by its body alone.
struct CurlHandle {
  CurlEasy easy;  ///< null: none
  CurlList lines;
  std::string method, url;
  std::vector<HttpHeader> headers;
};

/// Options that are the same for every request of a transport. Null if libcurl has no memory. `settings` must outlive
/// it.
CurlEasy make_easy(const TransportSettings& settings, CURLSH* share);

/// What came off the wire and was not handed out yet.
struct NetEvents {
  std::vector<NetEvent> list;
  std::size_t body_bytes = 0;         ///< in the list
  std::vector<ExchangeId> held_back;  ///< whose bytes found no room: resume() them when there is some

  /// About so much is handed out at once at most; what is left unread waits in the kernel.
  static constexpr std::size_t kBodyBytesMax = 4 << 20;
  bool full() const { return body_bytes >= kBodyBytesMax; }
};

/// From submit to end. Lives at one address: libcurl holds pointers into it while it is on the wire.
class CurlExchange {
 public:
  CurlExchange(ExchangeId id, HttpRequest request, const Clock& clock, NetEvents& events)
      : id_(id), request_(std::move(request)), clock_(clock), events_(events), submitted_(clock.now()) {}
  CurlExchange(const CurlExchange&) = delete;
  CurlExchange& operator=(const CurlExchange&) = delete;

  /// Sets the options of this request. False (and a line in `detail`) if the request itself is unfit for the wire.
  bool prepare(CurlHandle handle, bool fresh_connection, std::string& detail);
  /// Gives the handle back; it must not be in a multi handle any more.
  CurlHandle release() { return std::move(handle_); }

  /// Stops taking body bytes from libcurl, or goes on, which may bring events at once. If the result is not CURLE_OK,
  /// the exchange is over: the caller finishes it.
  CURLcode pause(bool paused);
  /// Takes what was held back for want of room; the result is as that of pause().
  CURLcode resume();

  /// When it runs out of time, as things stand, and what to say then.
  Instant deadline() const;
  /// When to look at deadline() again: a first byte may bring the deadline nearer, but never nearer than this.
  Instant look_again(Instant now) const;
  /// True if it has time-outs that start on the wire.
  bool watches_bytes() const { return request_.first_byte_timeout || request_.idle_timeout; }
  std::string timeout_detail(Instant now) const;

  /// True where a kept-alive connection turned out dead and the request may be sent again as if nothing had happened.
  bool died_on_reused_connection(CURLcode code) const;

  /// True where no connection came to be in the time for that. libcurl lets requests to one origin wait for one
  /// connection, and their own time for connecting begins only when it came to nothing.
  bool never_connected(CURLcode code) const {
    return code == CURLE_OPERATION_TIMEDOUT && fault_of(code) == NetFault::connect;
  }
  /// True if it has waited for the connection of `other` for most of the time that it may.
  bool waits_with(const CurlExchange& other, Instant now) const;

  /// The events that end it. `finish` translates libcurl's verdict; `fail` is for our own.
  void finish(CURLcode code);
  void fail(NetFault fault, std::string detail);

  ExchangeId id() const { return id_; }
  CURL* easy() const { return handle_.easy.get(); }
  int shard = -1;            ///< which multi handle it is on, -1 while queued
  bool tried_again = false;  ///< its one free repetition is spent

 private:
  static std::size_t on_header(char* data, std::size_t size, std::size_t count, void* self);
  static std::size_t on_body(char* data, std::size_t size, std::size_t count, void* self);
  bool set_request_line(std::string& detail);
  void byte_came();
  bool take_header(std::string_view line);
  bool take_body(std::string_view bytes);
  bool may_have_been_sent() const;
  NetFault fault_of(CURLcode code) const;
  ResponseEnd end(NetFault fault, std::string detail) const;

  ExchangeId id_;
  HttpRequest request_;
  const Clock& clock_;
  NetEvents& events_;
  CurlHandle handle_;
  std::array<char, CURL_ERROR_SIZE> error_{};

  Instant submitted_;
  Instant started_;
  Instant first_byte_;  ///< zero until a byte came
  Instant last_byte_;
  Instant resumed_;  ///< after the last pause
  HttpHead head_;    ///< being read
  bool head_done_ = false;
  bool paused_ = false;     ///< as the caller wants it
  bool held_back_ = false;  ///< libcurl keeps bytes until it is told to go on
  bool too_large_ = false;
  std::size_t header_bytes_ = 0;
  std::size_t body_bytes_ = 0;
};

}  // namespace retort
