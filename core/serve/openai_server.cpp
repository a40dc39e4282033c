#include "core/serve/openai_server.h"

#include <dirent.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <charconv>
#include <cmath>
#include <condition_variable>
#include <future>
#include <mutex>
#include <thread>

#include <httplib.h>

#include "core/serve/allowance.h"
#include "core/serve/worker_pool.h"

namespace retort {
namespace {

constexpr std::size_t kBodyBytesMax = 16 << 20;
constexpr int kKeepAliveSeconds = 60;

int port_of(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (getsockname(fd, generic, &size) != 0) return -1;
  if (address.ss_family == AF_INET) return ntohs(reinterpret_cast<sockaddr_in*>(&address)->sin_port);
  if (address.ss_family == AF_INET6) return ntohs(reinterpret_cast<sockaddr_in6*>(&address)->sin6_port);
  return -1;
}

/// httplib has no way to end connections at rest; stopping would take as long as their keep-alive. Those accepted on
/// our port are the only sockets of this process whose own port it is. They stop reading and can still write an answer.
void end_connections_of(int port) {
  DIR* folder = opendir("/proc/self/fd");
  if (folder == nullptr) return;
  while (const dirent* entry = readdir(folder)) {
    const std::string_view name = entry->d_name;
    int fd = -1;
    if (std::from_chars(name.data(), name.data() + name.size(), fd).ec != std::errc()) continue;
    if (port_of(fd) == port) shutdown(fd, SHUT_RD);
  }
  closedir(folder);
}

std::string in_ms(Duration d) { return std::to_string(std::chrono::ceil<std::chrono::milliseconds>(d).count()) + "ms"; }

}  // namespace

class OpenAiServer::Impl {
 public:
  Impl(ServerOptions options, std::shared_ptr<BuiltinTeacher> teacher, const Clock& clock)
      : options_(std::move(options)), teacher_(std::move(teacher)), clock_(clock) {
    const auto bucket = [&](std::optional<double> per_minute, std::optional<Allowance>& allowance) {
      if (per_minute) allowance.emplace(*per_minute, *per_minute / 60 * options_.burst_seconds, clock_.now());
    };
    bucket(options_.requests_per_minute, requests_);
    bucket(options_.tokens_per_minute, tokens_);
  }

  Result<void> listen() {
    // Not httplib's own SO_REUSEPORT, with which two servers share a port and each gets half the requests.
    int listener = -1;
    http_.set_socket_options([&listener](socket_t socket) {
      listener = socket;
      const int on = 1;
      setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    });
    http_.set_tcp_nodelay(true);
    http_.set_keep_alive_max_count(std::size_t{1} << 40);
    http_.set_keep_alive_timeout(kKeepAliveSeconds);
    http_.set_payload_max_length(kBodyBytesMax);
    http_.new_task_queue = [most = options_.threads_max] { return new WorkerPool(most); };
    add_routes();
    if (options_.port == 0) {
      port_ = http_.bind_to_any_port(options_.host);
    } else if (http_.bind_to_port(options_.host, options_.port)) {
      port_ = options_.port;
    }
    if (port_ <= 0) {
      return fail(
          Errc::usage,
          "cannot listen on " + options_.host + " port " + std::to_string(options_.port) +
              ": the port is in use or the address is not this machine's; choose another with --port or --host");
    }
    http_.set_socket_options([](socket_t) {});
    ::listen(listener, 4096);  // httplib's backlog of 5 makes clients that come at once wait a second for a second try
    thread_ = std::thread([this] { http_.listen_after_bind(); });
    while (!http_.is_running()) std::this_thread::yield();  // else a stop() right away would be missed
    return {};
  }

  void stop() {
    if (!thread_.joinable()) return;
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    stopped_.notify_all();
    http_.stop();
    // Again and again: a connection may just be on its way from the listener to its thread.
    std::promise<void> ended;
    std::thread reaper([this, done = ended.get_future()] {
      do end_connections_of(port_);
      while (done.wait_for(20ms) == std::future_status::timeout);
    });
    thread_.join();
    ended.set_value();
    reaper.join();
  }

  const ServerOptions& options() const { return options_; }
  int port() const { return port_; }
  ServerCounts counts() const {
    const std::lock_guard lock(mutex_);
    return counts_;
  }

 private:
  using Request = httplib::Request;
  using Response = httplib::Response;

  void add_routes() {
    http_.Get("/health", [](const Request&, Response& response) {
      response.set_content(R"({"status":"ok"})", "application/json");
    });
    http_.Get("/v1/models", [this](const Request& request, Response& response) {
      if (authorized(request, response)) response.set_content(model_list_body(teacher_->model()), "application/json");
    });
    http_.Post("/v1/chat/completions", [this](const Request& request, Response& response) {
      const std::uint64_t number = begin();
      response.set_header("x-request-id", "req-" + std::to_string(number));
      if (authorized(request, response)) chat(number, request.body, response);
      count(response.status);
    });
    http_.set_error_handler([](const Request& request, Response& response) {
      if (!response.body.empty()) return;
      const bool unknown = response.status == 404;
      refuse(response,
             {.status = response.status,
              .code = unknown ? "not_found" : "",
              .message = unknown ? "no such path: " + request.path : "the request is malformed or too large"});
    });
    http_.set_exception_handler([](const Request&, Response& response, const std::exception_ptr&) {
      refuse(response,
             {.status = 500, .type = "server_error", .code = "", .message = "the server failed on this request"});
    });
  }

  static void refuse(Response& response, const ChatError& error) {
    response.status = error.status;
    response.set_content(chat_error_body(error), "application/json");
  }

  bool authorized(const Request& request, Response& response) const {
    if (options_.api_key.empty() || request.get_header_value("Authorization") == "Bearer " + options_.api_key)
      return true;
    refuse(response, {.status = 401, .code = "invalid_api_key", .message = "a valid API key is required"});
    return false;
  }

  void chat(std::uint64_t number, const std::string& body, Response& response) {
    const auto parsed = parse_chat_request(body);
    if (const auto* error = std::get_if<ChatError>(&parsed)) return refuse(response, *error);
    const ChatRequest& request = std::get<ChatRequest>(parsed);
    if (request.model != teacher_->model()) {
      return refuse(response,
                    {.status = 404, .code = "model_not_found", .message = "the model here is " + teacher_->model()});
    }
    const ChatAnswer answer = teach(*teacher_, request, options_.seed, number, clock_.wall().ms / 1000);
    if (!admit(answer, response)) return;
    if (options_.latency > Duration::zero()) {
      std::unique_lock lock(mutex_);
      stopped_.wait_for(lock, options_.latency, [this] { return stopping_; });
    }
    response.status = 200;
    if (!request.stream) return response.set_content(chat_body(answer), "application/json");
    auto events = std::make_shared<std::vector<std::string>>(chat_events(answer, request.stream_usage));
    response.set_chunked_content_provider("text/event-stream", [events](std::size_t, httplib::DataSink& sink) {
      for (const std::string& event : *events) {
        if (!sink.write(event.data(), event.size())) return false;
      }
      sink.done();
      return true;
    });
  }

  /// Takes the request from both allowances, or answers 429 and takes from neither.
  bool admit(const ChatAnswer& answer, Response& response) {
    const std::lock_guard lock(mutex_);
    const Instant now = clock_.now();
    const auto tokens = static_cast<double>(answer.prompt_tokens + answer.completion_tokens);
    const Duration wait = std::max(requests_ ? requests_->wait_for(1, now) : Duration::zero(),
                                   tokens_ ? tokens_->wait_for(tokens, now) : Duration::zero());
    const bool allowed = wait == Duration::zero();
    if (allowed && requests_) requests_->take(1, now);
    if (allowed && tokens_) tokens_->take(tokens, now);
    if (requests_) announce(response, "requests", *options_.requests_per_minute, *requests_, now);
    if (tokens_) announce(response, "tokens", *options_.tokens_per_minute, *tokens_, now);
    if (allowed) return true;
    response.set_header("Retry-After", std::to_string(std::chrono::ceil<std::chrono::seconds>(wait).count()));
    response.set_header("retry-after-ms", std::to_string(std::chrono::ceil<std::chrono::milliseconds>(wait).count()));
    refuse(response, {.status = 429,
                      .type = "requests",
                      .code = "rate_limit_exceeded",
                      .message = "rate limit reached: try again later"});
    return false;
  }

  static void announce(Response& response, const std::string& what, double per_minute, Allowance& allowance,
                       Instant now) {
    response.set_header("x-ratelimit-limit-" + what, std::to_string(std::llround(per_minute)));
    response.set_header("x-ratelimit-remaining-" + what,
                        std::to_string(static_cast<std::int64_t>(allowance.remaining(now))));
    response.set_header("x-ratelimit-reset-" + what, in_ms(allowance.until_full(now)));
  }

  std::uint64_t begin() {
    const std::lock_guard lock(mutex_);
    return static_cast<std::uint64_t>(++counts_.requests);
  }
  void count(int status) {
    const std::lock_guard lock(mutex_);
    ++(status == 200 ? counts_.answered : status == 429 ? counts_.refused : counts_.erroneous);
  }

  const ServerOptions options_;
  const std::shared_ptr<BuiltinTeacher> teacher_;
  const Clock& clock_;
  httplib::Server http_;
  int port_ = -1;
  std::thread thread_;
  mutable std::mutex mutex_;
  std::condition_variable stopped_;
  bool stopping_ = false;
  ServerCounts counts_;
  std::optional<Allowance> requests_;
  std::optional<Allowance> tokens_;
};

Result<std::unique_ptr<OpenAiServer>> OpenAiServer::start(ServerOptions options,
                                                          std::shared_ptr<BuiltinTeacher> teacher, const Clock& clock) {
  auto impl = std::make_unique<Impl>(std::move(options), std::move(teacher), clock);
  if (const Result<void> listening = impl->listen(); !listening) return fail(listening.error());
  return std::unique_ptr<OpenAiServer>(new OpenAiServer(std::move(impl)));
}

OpenAiServer::OpenAiServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
OpenAiServer::~OpenAiServer() { stop(); }
int OpenAiServer::port() const { return impl_->port(); }
std::string OpenAiServer::base_url() const {
  return "http://" + impl_->options().host + ":" + std::to_string(impl_->port()) + "/v1";
}
ServerCounts OpenAiServer::counts() const { return impl_->counts(); }
void OpenAiServer::stop() { impl_->stop(); }

}  // namespace retort
