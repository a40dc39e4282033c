#include "core/net/curl_exchange.h"

#include <strings.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>

#include "core/base/text.h"

namespace retort {
namespace {

// Beyond any honest server's: 256 KiB over all lines. libcurl itself bounds one line only (100 KiB).
constexpr std::size_t kHeaderBytesMax = 256 << 10;

bool same_name(std::string_view a, std::string_view b) {
  return a.size() == b.size() && strncasecmp(a.data(), b.data(), a.size()) == 0;
}

bool breaks_line(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos;
}

void restrict_protocols(CURL* easy) {
#if LIBCURL_VERSION_NUM >= 0x075500
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "");
#else
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS, static_cast<long>(CURLPROTO_HTTP | CURLPROTO_HTTPS));
  curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS, 0L);
#endif
}

long milliseconds(Duration d) {
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(d).count();
  return static_cast<long>(std::clamp<std::int64_t>(ms, 1, 24 * 3600 * 1000));
}

}  // namespace

CurlEasy make_easy(const TransportSettings& settings, CURLSH* share) {
  CurlEasy handle(curl_easy_init());
  CURL* easy = handle.get();
  if (easy == nullptr) return handle;
  restrict_protocols(easy);
  curl_easy_setopt(easy, CURLOPT_SHARE, share);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
  curl_easy_setopt(easy, CURLOPT_HTTP09_ALLOWED, 0L);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
  curl_easy_setopt(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "");
  curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(easy, CURLOPT_USERAGENT, "retort/" RETORT_VERSION);
  curl_easy_setopt(easy, CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
  // An empty string, unlike a null, also keeps libcurl from reading the environment.
  curl_easy_setopt(easy, CURLOPT_PROXY, settings.proxy.c_str());
  curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
  curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  if (!settings.ca_bundle.empty()) curl_easy_setopt(easy, CURLOPT_CAINFO, settings.ca_bundle.c_str());
#if LIBCURL_VERSION_NUM >= 0x075700
  curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);  // else giving up on a slow name waits for the resolver's thread
#endif
  return handle;
}

// Everything of the request but its body.
bool CurlExchange::set_request_line(std::string& detail) {
  CURL* easy = this->easy();
  curl_slist* list = nullptr;
  const auto append = [&](const std::string& line) {
    curl_slist* longer = curl_slist_append(list, line.c_str());
    if (longer != nullptr) list = longer;
    return longer != nullptr;
  };
  bool complete = append("Expect:");  // a body over 1 MiB would otherwise wait for a 100 that few servers send
  for (const auto& [name, value] : request_.headers) {
    if (name.empty() || breaks_line(name) || breaks_line(value)) {
      handle_.lines.reset(list);
      detail = "a request header has a line break in it, or no name";
      return false;
    }
    if (same_name(name, "user-agent") || same_name(name, "content-length")) continue;
    complete = complete && append(value.empty() ? name + ";" : name + ": " + value);
  }
  handle_.lines.reset(list);
  if (!complete) {
    detail = "out of memory";
    return false;
  }
  const bool tls = request_.url.size() > 8 && same_name(std::string_view(request_.url).substr(0, 8), "https://");
  curl_easy_setopt(easy, CURLOPT_URL, request_.url.c_str());
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, list);
  curl_easy_setopt(easy, CURLOPT_PIPEWAIT,
                   tls ? 1L : 0L);  // rather a stream on a coming HTTP/2 connection than one more
  handle_.method = request_.method;
  handle_.url = request_.url;
  handle_.headers = request_.headers;
  return true;
}

bool CurlExchange::prepare(CurlHandle handle, bool fresh_connection, std::string& detail) {
  handle_ = std::move(handle);
  CURL* easy = this->easy();
  const bool alike =
      handle_.url == request_.url && handle_.method == request_.method && handle_.headers == request_.headers;
  if (!alike) {
    handle_.url.clear();
    if (!set_request_line(detail)) return false;
  }
  if (request_.method == "GET" && request_.body.empty()) {
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, nullptr);
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, nullptr);
    curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
  } else {
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.size()));
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request_.body.data());
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request_.method == "POST" ? nullptr : request_.method.c_str());
  }
  curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, fresh_connection ? 1L : 0L);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, milliseconds(request_.connect_timeout));
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, error_.data());
  curl_easy_setopt(easy, CURLOPT_PRIVATE, this);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, this);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, this);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &CurlExchange::on_header);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &CurlExchange::on_body);
  error_[0] = '\0';
  started_ = clock_.now();
  return true;
}

// libcurl's own pause from outside reads once more before it obeys (7.88), so a pause waits for the next bytes and
// hands them back: libcurl keeps them, and takes no more from the socket.
CURLcode CurlExchange::pause(bool paused) {
  if (paused == paused_) return CURLE_OK;
  paused_ = paused;
  return resume();
}

CURLcode CurlExchange::resume() {
  if (paused_) return CURLE_OK;
  last_byte_ = resumed_ = clock_.now();
  const bool held_back = std::exchange(held_back_, false) && shard >= 0;
  return held_back ? curl_easy_pause(easy(), CURLPAUSE_CONT) : CURLE_OK;
}

Instant CurlExchange::deadline() const {
  Instant next = submitted_ + request_.total_timeout;
  if (shard < 0 || paused_) return next;
  if (body_bytes_ == 0) {
    if (request_.first_byte_timeout) next = std::min(next, std::max(started_, resumed_) + *request_.first_byte_timeout);
  } else if (request_.idle_timeout) {
    next = std::min(next, last_byte_ + *request_.idle_timeout);
  }
  return next;
}

Instant CurlExchange::look_again(Instant now) const {
  return shard >= 0 && request_.idle_timeout && !paused_ ? std::min(deadline(), now + *request_.idle_timeout)
                                                         : deadline();
}

std::string CurlExchange::timeout_detail(Instant now) const {
  const auto after = [](Duration d, const char* what) {
    return std::string(what) + std::to_string(milliseconds(d)) + " ms";
  };
  if (now >= submitted_ + request_.total_timeout) return after(request_.total_timeout, "no complete response within ");
  if (body_bytes_ == 0) return after(request_.first_byte_timeout.value_or(Duration{}), "no byte of an answer within ");
  return after(request_.idle_timeout.value_or(Duration{}), "the response paused for ");
}

std::size_t CurlExchange::on_header(char* data, std::size_t size, std::size_t count, void* self) {
  return static_cast<CurlExchange*>(self)->take_header({data, size * count}) ? size * count : 0;
}

std::size_t CurlExchange::on_body(char* data, std::size_t size, std::size_t count, void* self) {
  auto* exchange = static_cast<CurlExchange*>(self);
  if (exchange->paused_ || exchange->events_.full()) {
    exchange->held_back_ = true;
    if (!exchange->paused_) exchange->events_.held_back.push_back(exchange->id_);
    return CURL_WRITEFUNC_PAUSE;
  }
  return exchange->take_body({data, size * count}) ? size * count : 0;
}

// Only who watches the bytes needs the time of each line.
void CurlExchange::byte_came() {
  if (first_byte_.ns != 0 && !request_.idle_timeout) return;
  last_byte_ = clock_.now();
  if (first_byte_.ns == 0) first_byte_ = last_byte_;
}

// libcurl calls this for every line of every head (interim ones and trailers too), never for a part of a line.
bool CurlExchange::take_header(std::string_view line) {
  byte_came();
  header_bytes_ += line.size();
  if (header_bytes_ > kHeaderBytesMax) {
    too_large_ = true;
    return false;
  }
  if (head_done_) return true;  // a trailer
  if (line.starts_with("HTTP/")) {
    head_ = {};
    head_.headers.reserve(16);
    const std::size_t space = line.find(' ');
    if (space != std::string_view::npos)
      std::from_chars(line.data() + space + 1, line.data() + line.size(), head_.status);
    return true;
  }
  if (line == "\r\n" || line == "\n") {
    if (head_.status < 200) return true;  // interim
    head_done_ = true;
    events_.list.emplace_back(ResponseHead{id_, std::move(head_)});
    return true;
  }
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return true;
  head_.headers.emplace_back(lower_ascii(line.substr(0, colon)), trimmed(line.substr(colon + 1)));
  return true;
}

bool CurlExchange::take_body(std::string_view bytes) {
  byte_came();
  if (bytes.size() > request_.body_bytes_max - std::min(body_bytes_, request_.body_bytes_max)) {
    too_large_ = true;
    return false;
  }
  body_bytes_ += bytes.size();
  events_.body_bytes += bytes.size();
  if (!events_.list.empty()) {
    if (auto* last = std::get_if<ResponseBytes>(&events_.list.back()); last != nullptr && last->id == id_) {
      last->bytes += bytes;
      return true;
    }
  }
  events_.list.emplace_back(ResponseBytes{id_, std::string(bytes)});
  return true;
}

bool CurlExchange::may_have_been_sent() const {
  if (first_byte_.ns != 0) return true;
  if (easy() == nullptr || shard < 0) return false;
  long request_bytes = 0;
  curl_easy_getinfo(easy(), CURLINFO_REQUEST_SIZE, &request_bytes);
  return request_bytes > 0;
}

bool CurlExchange::died_on_reused_connection(CURLcode code) const {
  if (code != CURLE_SEND_ERROR && code != CURLE_RECV_ERROR && code != CURLE_GOT_NOTHING) return false;
  long connections = 0;
  curl_easy_getinfo(easy(), CURLINFO_NUM_CONNECTS, &connections);
  return connections == 0 && first_byte_.ns == 0;
}

bool CurlExchange::waits_with(const CurlExchange& other, Instant now) const {
  const auto origin = [](std::string_view url) { return url.substr(0, url.find('/', url.find("//") + 2)); };
  return this != &other && shard == other.shard && now - started_ > request_.connect_timeout / 2 &&
         origin(request_.url) == origin(other.request_.url) && !may_have_been_sent();
}

NetFault CurlExchange::fault_of(CURLcode code) const {
  const bool sent = may_have_been_sent();
  if (too_large_) return NetFault::too_large;
  switch (code) {
    case CURLE_OK:
      return head_done_ ? NetFault::none : NetFault::broken;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
      return NetFault::resolve;
    case CURLE_COULDNT_CONNECT: {
      long reason = 0;
      curl_easy_getinfo(easy(), CURLINFO_OS_ERRNO, &reason);
      return reason == EMFILE || reason == ENFILE || reason == ENOMEM ? NetFault::local : NetFault::connect;
    }
    case CURLE_PROXY:
      return NetFault::connect;
    case CURLE_OPERATION_TIMEDOUT:
      return sent ? NetFault::timeout : NetFault::connect;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_CERTPROBLEM:
      return NetFault::tls;
    // libcurl's word for a header line beyond its bound; with nothing sent it is a true lack of memory.
    case CURLE_OUT_OF_MEMORY:
      return sent ? NetFault::too_large : NetFault::local;
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_GOT_NOTHING:
      return NetFault::broken;
    default:
      return sent ? NetFault::broken : NetFault::local;
  }
}

ResponseEnd CurlExchange::end(NetFault fault, std::string detail) const {
  ResponseEnd result{
      .id = id_, .fault = fault, .detail = std::move(detail), .possibly_billed = may_have_been_sent(), .timing = {}};
  if (first_byte_.ns != 0) result.timing.first_byte = first_byte_ - submitted_;
  result.timing.total = clock_.now() - submitted_;
  return result;
}

void CurlExchange::finish(CURLcode code) {
  const NetFault fault = fault_of(code);
  if (fault == NetFault::none) {
    events_.list.emplace_back(end(fault, {}));
  } else if (too_large_) {
    fail(fault, header_bytes_ > kHeaderBytesMax
                    ? "more than 256 KiB of response headers"
                    : "a response body over " + std::to_string(request_.body_bytes_max) + " bytes");
  } else if (fault == NetFault::too_large) {
    fail(fault, "a response header beyond reason");
  } else {
    fail(fault, error_[0] != '\0' ? error_.data() : code == CURLE_OK ? "no final response" : curl_easy_strerror(code));
  }
}

void CurlExchange::fail(NetFault fault, std::string detail) {
  std::replace(detail.begin(), detail.end(), '\n', ' ');
  events_.list.emplace_back(end(fault, std::move(detail)));
}

}  // namespace retort
