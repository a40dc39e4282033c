#include "core/net/curl_transport.h"

#include <curl/curl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <deque>
#include <queue>
#include <unordered_map>

#include "core/net/curl_exchange.h"
#include "core/net/curl_library.h"
#include "core/net/socket_watch.h"

namespace retort {
namespace {

// libcurl's own cost per request doubles past some hundred transfers in one multi handle, so they are spread over
// several. A handle is filled before the next is opened: connections are kept alive per handle.
constexpr int kExchangesPerShard = 128;
constexpr std::uint64_t kWakeTag = ~0ULL;

bool is_of(const NetEvent& event, ExchangeId id) {
  return std::visit(
      [id](const auto& kind) {
        if constexpr (requires { kind.id; }) return kind.id == id;
        return false;
      },
      event);
}

class CurlTransport;

struct Shard {
  CurlTransport* owner = nullptr;
  CURLM* multi = nullptr;
  int index = 0;
  int in_flight = 0;
  Instant timer_at = Instant::never();  ///< when libcurl wants to be called though no socket is ready
};

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

class CurlTransport final : public Transport {
 public:
  CurlTransport(TransportSettings settings, const Clock& clock)
      : settings_(std::move(settings)),
        clock_(clock),
        on_wire_max_(claim_connections(settings_.max_connections)),
        epoll_(epoll_create1(EPOLL_CLOEXEC)),
        wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
        share_(curl_share_init()) {
    if (share_ == nullptr) return;
    curl_share_setopt(share_, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS);
    curl_share_setopt(share_, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
  }

  ~CurlTransport() override {
    for (auto& [id, exchange] : exchanges_) take_off_wire(*exchange);
    exchanges_.clear();
    idle_.clear();
    for (auto& shard : shards_) curl_multi_cleanup(shard->multi);
    curl_share_cleanup(share_);
  }

  Result<void> open() {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = kWakeTag;
    if (epoll_.get() < 0 || wake_.get() < 0 || share_ == nullptr ||
        epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_.get(), &event) != 0) {
      return fail(Errc::internal,
                  "the system gives no descriptors for the network: close some programs, or raise `ulimit -n`");
    }
    return {};
  }

  void submit(ExchangeId id, HttpRequest request) override {
    auto exchange = std::make_unique<CurlExchange>(id, std::move(request), clock_, events_);
    watch(*exchange, clock_.now());
    const bool fresh = exchanges_.emplace(id.value, std::move(exchange)).second;
    RETORT_ASSERT(fresh);
    queue_.push_back(id);
  }

  void cancel(ExchangeId id) override {
    const auto found = exchanges_.find(id.value);
    if (found == exchanges_.end()) return;
    forget(found);
    // A pause that ended may have brought some already.
    std::erase_if(events_.list, [id](const NetEvent& event) { return is_of(event, id); });
  }

  void pause(ExchangeId id, bool paused) override {
    const auto found = exchanges_.find(id.value);
    if (found == exchanges_.end()) return;
    CurlExchange& exchange = *found->second;
    if (const CURLcode code = exchange.pause(paused); code != CURLE_OK) {
      end_unresumed(found, code);
    } else if (!paused && exchange.watches_bytes()) {
      watch(exchange, clock_.now());  // its idle time-out begins anew
    }
  }

  std::span<NetEvent> wait(Instant deadline) override {
    handed_out_.clear();
    resume_held_back();
    start_queued();
    for (bool polled = false;;) {
      const Instant now = clock_.now();
      expire(now);
      run_timers(now);
      if (polled && (!events_.list.empty() || now >= deadline)) break;
      poll(events_.list.empty() ? sleep_ms(deadline, clock_.now()) : 0);
      polled = true;
    }
    handed_out_.swap(events_.list);
    events_.body_bytes = 0;
    return handed_out_;
  }

  void wake() noexcept override {
    const int saved = errno;
    const std::uint64_t one = 1;
    // Full means a wake-up is already waiting; nothing else can go wrong with an eventfd of ours.
    [[maybe_unused]] const ssize_t written = write(wake_.get(), &one, sizeof one);
    errno = saved;
  }

 private:
  using Exchanges = std::unordered_map<std::uint64_t, std::unique_ptr<CurlExchange>>;
  struct Watch {
    Instant at;
    std::uint64_t id;
    bool operator>(const Watch& other) const { return at > other.at; }
  };

  void watch(const CurlExchange& exchange, Instant now) {
    // Those of ended exchanges go when they are the most, so that half an hour's time-outs of past requests do not pile
    // up.
    if (watches_.size() > 1024 + 4 * exchanges_.size()) {
      watches_ = {};
      for (const auto& [id, other] : exchanges_) watches_.push({other->look_again(now), id});
    }
    if (const Instant at = exchange.look_again(now); !at.is_never()) watches_.push({at, exchange.id().value});
  }

  /// Those that found no room in the last wait(), until there is none again.
  void resume_held_back() {
    std::size_t resumed = 0;
    const std::vector<ExchangeId> held_back = std::exchange(events_.held_back, {});
    for (; resumed < held_back.size() && !events_.full(); ++resumed) {
      const auto found = exchanges_.find(held_back[resumed].value);
      if (found == exchanges_.end()) continue;
      if (const CURLcode code = found->second->resume(); code != CURLE_OK) end_unresumed(found, code);
    }
    events_.held_back.insert(events_.held_back.begin(), held_back.begin() + static_cast<std::ptrdiff_t>(resumed),
                             held_back.end());
  }

  /// libcurl would leave it lying: what it had kept was too much.
  void end_unresumed(Exchanges::iterator at, CURLcode code) {
    at->second->finish(code);
    forget(at);
  }

  void start_queued() {
    while (!queue_.empty() && on_wire_ < on_wire_max_) {
      const ExchangeId id = queue_.front();
      queue_.pop_front();
      if (const auto found = exchanges_.find(id.value); found != exchanges_.end()) start(found, false);
    }
  }

  void start(Exchanges::iterator at, bool fresh_connection) {
    CurlExchange& exchange = *at->second;
    CurlHandle handle = idle_.empty() ? make_handle() : std::move(idle_.back());
    if (!idle_.empty()) idle_.pop_back();
    Shard* shard = handle.easy == nullptr ? nullptr : roomy_shard();
    std::string detail = "out of memory";
    if (shard == nullptr || !exchange.prepare(std::move(handle), fresh_connection, detail) ||
        curl_multi_add_handle(shard->multi, exchange.easy()) != CURLM_OK) {
      exchange.fail(NetFault::local, detail);
      forget(at);
      return;
    }
    exchange.shard = shard->index;
    ++shard->in_flight;
    ++on_wire_;
    if (exchange.watches_bytes()) watch(exchange, clock_.now());
  }

  Shard* roomy_shard() {
    for (auto& shard : shards_) {
      if (shard->in_flight < kExchangesPerShard) return shard.get();
    }
    auto shard = std::make_unique<Shard>();
    shard->owner = this;
    shard->index = static_cast<int>(shards_.size());
    shard->multi = curl_multi_init();
    if (shard->multi == nullptr) return nullptr;
    curl_multi_setopt(shard->multi, CURLMOPT_SOCKETFUNCTION, &CurlTransport::on_socket);
    curl_multi_setopt(shard->multi, CURLMOPT_SOCKETDATA, shard.get());
    curl_multi_setopt(shard->multi, CURLMOPT_TIMERFUNCTION, &CurlTransport::on_timer);
    curl_multi_setopt(shard->multi, CURLMOPT_TIMERDATA, shard.get());
    curl_multi_setopt(shard->multi, CURLMOPT_MAXCONNECTS,
                      static_cast<long>(std::min(kExchangesPerShard, on_wire_max_)));
    shards_.push_back(std::move(shard));
    return shards_.back().get();
  }

  void take_off_wire(CurlExchange& exchange) {
    if (exchange.shard < 0) return;
    Shard& shard = *shards_[static_cast<std::size_t>(exchange.shard)];
    curl_multi_remove_handle(shard.multi, exchange.easy());
    --shard.in_flight;
    --on_wire_;
    exchange.shard = -1;
  }

  void forget(Exchanges::iterator at) {
    take_off_wire(*at->second);
    if (CurlHandle handle = at->second->release(); handle.easy != nullptr) idle_.push_back(std::move(handle));
    exchanges_.erase(at);
  }

  void expire(Instant now) {
    while (!watches_.empty() && watches_.top().at <= now) {
      const std::uint64_t id = watches_.top().id;
      watches_.pop();
      const auto found = exchanges_.find(id);
      if (found == exchanges_.end()) continue;
      CurlExchange& exchange = *found->second;
      if (exchange.deadline() > now) {  // it moved: bytes came in between
        watch(exchange, now);
        continue;
      }
      exchange.fail(NetFault::timeout, exchange.timeout_detail(now));
      forget(found);
    }
  }

  void run_timers(Instant now) {
    // By index: finishing one exchange may start a queued one, which may open a shard.
    for (std::size_t i = 0; i < shards_.size(); ++i) {
      Shard& shard = *shards_[i];
      if (shard.timer_at > now) continue;
      shard.timer_at = Instant::never();
      act(shard, CURL_SOCKET_TIMEOUT, 0);
      if (!shard.timer_at.is_never()) continue;
      // Called a moment too early by its own clock, libcurl does nothing and does not ask again by itself.
      long ms = -1;
      curl_multi_timeout(shard.multi, &ms);
      if (ms >= 0) shard.timer_at = clock_.now() + std::chrono::milliseconds(std::max(ms, 1L));
    }
  }

  void act(Shard& shard, curl_socket_t socket, int ready) {
    int running = 0;
    curl_multi_socket_action(shard.multi, socket, ready, &running);
    collect(shard);
  }

  void collect(Shard& shard) {
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(shard.multi, &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      const CURLcode code = message->data.result;
      char* owner = nullptr;
      curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &owner);
      // libcurl keeps what it was given as data for callbacks as a char*.
      auto* exchange = static_cast<CurlExchange*>(static_cast<void*>(owner));
      const auto at = exchanges_.find(exchange->id().value);
      RETORT_ASSERT(at != exchanges_.end());
      if (!exchange->tried_again && exchange->died_on_reused_connection(code)) {
        exchange->tried_again = true;
        take_off_wire(*exchange);
        idle_.push_back(exchange->release());
        start(at, true);
        continue;
      }
      exchange->finish(code);
      if (exchange->never_connected(code)) end_those_waiting_with(*exchange, code);
      forget(at);
    }
    start_queued();
  }

  void end_those_waiting_with(const CurlExchange& unconnected, CURLcode code) {
    const Instant now = clock_.now();
    for (auto at = exchanges_.begin(); at != exchanges_.end();) {
      const auto its = at++;
      if (!its->second->waits_with(unconnected, now)) continue;
      its->second->finish(code);
      forget(its);
    }
  }

  int sleep_ms(Instant deadline, Instant now) const {
    Instant until = deadline;
    if (!watches_.empty()) until = std::min(until, watches_.top().at);
    for (const auto& shard : shards_) until = std::min(until, shard->timer_at);
    if (until.is_never()) return -1;
    if (until <= now) return 0;
    const auto ms = std::chrono::ceil<std::chrono::milliseconds>(until - now).count();
    return static_cast<int>(std::min<std::int64_t>(ms, 3600 * 1000));
  }

  void poll(int timeout_ms) {
    // Few at a time: those that wait come first next time, and one wait() never brings much more than its bound.
    std::array<epoll_event, 64> ready;
    const int count = epoll_wait(epoll_.get(), ready.data(), static_cast<int>(ready.size()), timeout_ms);
    for (int i = 0; i < count && !events_.full(); ++i) {
      const epoll_event& event = ready[static_cast<std::size_t>(i)];
      if (event.data.u64 == kWakeTag) {
        std::uint64_t times = 0;
        if (read(wake_.get(), &times, sizeof times) == sizeof times) events_.list.emplace_back(Woken{});
        continue;
      }
      const auto fd = static_cast<curl_socket_t>(event.data.u64 & 0xffffffffU);
      if (!sockets_.is_wanted(fd)) continue;
      int what = 0;
      if ((event.events & EPOLLIN) != 0) what |= CURL_CSELECT_IN;
      if ((event.events & EPOLLOUT) != 0) what |= CURL_CSELECT_OUT;
      if ((event.events & (EPOLLERR | EPOLLHUP)) != 0) what |= CURL_CSELECT_ERR;
      act(*shards_[event.data.u64 >> 32], fd, what);
    }
  }

  CurlHandle make_handle() {
    CurlHandle handle;
    handle.easy = make_easy(settings_, share_);
    if (handle.easy != nullptr) sockets_.serve(handle.easy.get());
    return handle;
  }

  static int on_socket(CURL*, curl_socket_t socket, int what, void* user, void*) {
    auto* shard = static_cast<Shard*>(user);
    shard->owner->sockets_.set(socket, what, static_cast<std::uint32_t>(shard->index));
    return 0;
  }

  static int on_timer(CURLM*, long timeout_ms, void* user) {
    auto* shard = static_cast<Shard*>(user);
    shard->timer_at =
        timeout_ms < 0 ? Instant::never() : shard->owner->clock_.now() + std::chrono::milliseconds(timeout_ms);
    return 0;
  }

  const TransportSettings settings_;
  const Clock& clock_;
  const int on_wire_max_;
  Descriptor epoll_;
  Descriptor wake_;
  CURLSH* share_;
  SocketWatch sockets_{epoll_.get()};
  std::vector<std::unique_ptr<Shard>> shards_;
  std::vector<CurlHandle> idle_;
  NetEvents events_;
  std::vector<NetEvent> handed_out_;  ///< by the last wait(); events may be born in pause() while somebody reads these
  Exchanges exchanges_;
  std::deque<ExchangeId> queue_;
  int on_wire_ = 0;
  /// Earliest first; entries of ended exchanges and of deadlines that moved are found out when they come up.
  std::priority_queue<Watch, std::vector<Watch>, std::greater<>> watches_;
};

}  // namespace

Result<std::unique_ptr<Transport>> make_curl_transport(const TransportSettings& settings, const Clock& clock) {
  if (auto loaded = load_curl(); !loaded) return fail(loaded.error());
  static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (started != CURLE_OK)
    return fail(Errc::internal, std::string("libcurl does not start: ") + curl_easy_strerror(started));
  if (!settings.ca_bundle.empty() && access(settings.ca_bundle.c_str(), R_OK) != 0) {
    return fail(Errc::usage, "the certificate file " + settings.ca_bundle + " cannot be read: check ca_bundle");
  }
  auto transport = std::make_unique<CurlTransport>(settings, clock);
  if (const Result<void> opened = transport->open(); !opened) return fail(opened.error());
  return std::unique_ptr<Transport>(std::move(transport));
}

}  // namespace retort
