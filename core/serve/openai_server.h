// The embedded teacher on a socket: OpenAI's chat completions over HTTP, so that the demo, the tests and anybody's
// client can ask it exactly as they ask a paid one.
//
//   POST /v1/chat/completions   GET /v1/models   GET /health
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "core/base/clock.h"
#include "core/base/result.h"
#include "core/serve/builtin_teacher.h"

namespace retort {

struct ServerOptions {
  std::string host = "127.0.0.1";                  ///< loopback: whoever opens it to a network should have said so
  int port = 0;                                    ///< 0: any free one
  std::string api_key = {};                        ///< if not empty, requests must carry it as a bearer token
  std::uint64_t seed = 0;                          ///< for requests without one
  std::optional<double> requests_per_minute = {};  ///< enforced with 429, Retry-After and x-ratelimit-* headers
  std::optional<double> tokens_per_minute = {};    ///< prompt and answer together
  double burst_seconds = 1;                        ///< how many seconds' worth of each limit may come at once
  Duration latency{};                              ///< before each answer
  int threads_max = 512;  ///< connections at once; a kept-alive one holds its thread while it rests
};

struct ServerCounts {
  std::int64_t requests = 0;   ///< chat completions asked for
  std::int64_t answered = 0;   ///< with 200
  std::int64_t refused = 0;    ///< with 429
  std::int64_t erroneous = 0;  ///< with any other status
};

class OpenAiServer {
 public:
  /// Listens when it returns. Errc::usage with one line if the host or port cannot be had. `clock` must outlive the
  /// server.
  static Result<std::unique_ptr<OpenAiServer>> start(ServerOptions options, std::shared_ptr<BuiltinTeacher> teacher,
                                                     const Clock& clock);
  ~OpenAiServer();
  OpenAiServer(const OpenAiServer&) = delete;
  OpenAiServer& operator=(const OpenAiServer&) = delete;

  int port() const;
  /// "http://127.0.0.1:8080/v1"
  std::string base_url() const;
  ServerCounts counts() const;
  /// Answers what has been asked, closes every connection and returns when all threads have ended. May be called twice.
  void stop();

 private:
  class Impl;
  explicit OpenAiServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace retort
