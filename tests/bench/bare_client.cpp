// The yardstick of the benchmarks: libcurl driven the same way as in core/net (epoll, several multi handles, one kept
// connection for each request in flight) and nothing else: it builds each body, parses each reply, and forgets both.
// Usage: bare_client URL CONNECTIONS REQUESTS. Prints the seconds it took.
#include <curl/curl.h>
#include <sys/epoll.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t kExchangesPerMulti = 128;

struct Multi {
  CURLM* handle = nullptr;
  std::uint64_t index = 0;
  Clock::time_point timer = Clock::time_point::max();
};

struct Exchange {
  CURL* easy = nullptr;
  curl_slist* headers = nullptr;
  Multi* multi = nullptr;
  std::string body, reply;
};

int g_epoll = -1;

std::size_t on_body(char* data, std::size_t size, std::size_t count, void* user) {
  static_cast<Exchange*>(user)->reply.append(data, size * count);
  return size * count;
}

std::size_t on_header(char*, std::size_t size, std::size_t count, void*) { return size * count; }

int on_socket(CURL*, curl_socket_t socket, int what, void* user, void*) {
  if (what == CURL_POLL_REMOVE) {
    epoll_ctl(g_epoll, EPOLL_CTL_DEL, socket, nullptr);
    return 0;
  }
  epoll_event event{};
  if ((what & CURL_POLL_IN) != 0) event.events |= EPOLLIN;
  if ((what & CURL_POLL_OUT) != 0) event.events |= EPOLLOUT;
  event.data.u64 = (static_cast<Multi*>(user)->index << 32) | static_cast<std::uint32_t>(socket);
  if (epoll_ctl(g_epoll, EPOLL_CTL_MOD, socket, &event) != 0) epoll_ctl(g_epoll, EPOLL_CTL_ADD, socket, &event);
  return 0;
}

int on_timer(CURLM*, long ms, void* user) {
  static_cast<Multi*>(user)->timer = ms < 0 ? Clock::time_point::max() : Clock::now() + std::chrono::milliseconds(ms);
  return 0;
}

class Client {
 public:
  Client(std::string url, std::size_t connections, long requests) : url_(std::move(url)), requests_(requests) {
    g_epoll = epoll_create1(EPOLL_CLOEXEC);
    for (std::size_t i = 0; i < connections; ++i) {
      if (i % kExchangesPerMulti == 0) multis_.push_back(make_multi());
      exchanges_.push_back(make_exchange(multis_.back().get()));
    }
  }

  bool run() {
    for (auto& exchange : exchanges_) send(*exchange);
    while (done_ < requests_) {
      std::array<epoll_event, 256> ready;
      const int count = epoll_wait(g_epoll, ready.data(), static_cast<int>(ready.size()), patience_ms());
      for (int i = 0; i < count; ++i) {
        const epoll_event& event = ready[static_cast<std::size_t>(i)];
        const int what = ((event.events & EPOLLIN) != 0 ? CURL_CSELECT_IN : 0) |
                         ((event.events & EPOLLOUT) != 0 ? CURL_CSELECT_OUT : 0) |
                         ((event.events & (EPOLLERR | EPOLLHUP)) != 0 ? CURL_CSELECT_ERR : 0);
        act(*multis_[event.data.u64 >> 32], static_cast<curl_socket_t>(event.data.u64 & 0xffffffffU), what);
      }
      const Clock::time_point now = Clock::now();
      for (auto& multi : multis_) {
        if (multi->timer > now) continue;
        multi->timer = Clock::time_point::max();
        act(*multi, CURL_SOCKET_TIMEOUT, 0);
      }
    }
    return failed_ == 0;
  }

 private:
  static std::unique_ptr<Multi> multi_of(std::uint64_t index) {
    auto multi = std::make_unique<Multi>();
    multi->handle = curl_multi_init();
    multi->index = index;
    return multi;
  }

  std::unique_ptr<Multi> make_multi() {
    auto multi = multi_of(multis_.size());
    curl_multi_setopt(multi->handle, CURLMOPT_SOCKETFUNCTION, &on_socket);
    curl_multi_setopt(multi->handle, CURLMOPT_SOCKETDATA, multi.get());
    curl_multi_setopt(multi->handle, CURLMOPT_TIMERFUNCTION, &on_timer);
    curl_multi_setopt(multi->handle, CURLMOPT_TIMERDATA, multi.get());
    curl_multi_setopt(multi->handle, CURLMOPT_MAXCONNECTS, static_cast<long>(kExchangesPerMulti));
    return multi;
  }

  std::unique_ptr<Exchange> make_exchange(Multi* multi) {
    auto exchange = std::make_unique<Exchange>();
    exchange->multi = multi;
    exchange->easy = curl_easy_init();
    CURL* easy = exchange->easy;
    for (const char* line : {"Expect:", "content-type: application/json", "accept: application/json",
                             "authorization: Bearer sk-bench-0123456789"})
      exchange->headers = curl_slist_append(exchange->headers, line);
    curl_easy_setopt(easy, CURLOPT_URL, url_.c_str());
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, exchange->headers);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
    curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "");
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "bare/1");
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &on_header);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, exchange.get());
    curl_easy_setopt(easy, CURLOPT_PRIVATE, exchange.get());
    return exchange;
  }

  void send(Exchange& exchange) {
    if (sent_ == requests_) return;
    std::string prompt = "Question " + std::to_string(++sent_) + ": " + filler_;
    const nlohmann::json body = {{"model", "bench-1"},
                                 {"messages", {{{"role", "user"}, {"content", std::move(prompt)}}}},
                                 {"temperature", 0.6},
                                 {"max_tokens", 512}};
    exchange.body = body.dump();
    exchange.reply.clear();
    curl_easy_setopt(exchange.easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(exchange.body.size()));
    curl_easy_setopt(exchange.easy, CURLOPT_POSTFIELDS, exchange.body.data());
    curl_multi_add_handle(exchange.multi->handle, exchange.easy);
  }

  void act(Multi& multi, curl_socket_t socket, int what) {
    int running = 0, left = 0;
    curl_multi_socket_action(multi.handle, socket, what, &running);
    while (const CURLMsg* message = curl_multi_info_read(multi.handle, &left)) {
      char* owner = nullptr;
      const CURLcode code = message->data.result;
      CURL* easy = message->easy_handle;
      curl_easy_getinfo(easy, CURLINFO_PRIVATE, &owner);
      auto& exchange = *static_cast<Exchange*>(static_cast<void*>(owner));
      curl_multi_remove_handle(multi.handle, easy);
      ++done_;
      if (code != CURLE_OK || !has_text(exchange.reply)) ++failed_;
      send(exchange);
    }
  }

  static bool has_text(const std::string& reply) {
    const auto parsed = nlohmann::json::parse(reply, nullptr, false);
    return parsed.is_object() && !parsed["choices"][0]["message"]["content"].get<std::string>().empty();
  }

  int patience_ms() const {
    Clock::time_point next = Clock::time_point::max();
    for (const auto& multi : multis_) next = std::min(next, multi->timer);
    if (next == Clock::time_point::max()) return -1;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(next - Clock::now()).count();
    return static_cast<int>(left > 0 ? left : 0);
  }

  const std::string url_;
  const std::string filler_ = std::string(1000, 'q');
  const long requests_;
  long sent_ = 0, done_ = 0, failed_ = 0;
  std::vector<std::unique_ptr<Multi>> multis_;
  std::vector<std::unique_ptr<Exchange>> exchanges_;
};

}  // namespace

int main(int count, char** words) {
  if (count != 4) {
    std::fprintf(stderr, "usage: bare_client URL CONNECTIONS REQUESTS\n");
    return 2;
  }
  curl_global_init(CURL_GLOBAL_DEFAULT);
  const auto start = Clock::now();
  Client client(words[1], std::strtoul(words[2], nullptr, 10), std::strtol(words[3], nullptr, 10));
  const bool good = client.run();
  std::printf("%.3f\n", std::chrono::duration<double>(Clock::now() - start).count());
  if (!good) std::fprintf(stderr, "bare_client: some requests failed\n");
  return good ? 0 : 1;
}
