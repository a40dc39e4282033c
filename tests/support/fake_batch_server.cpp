#include "tests/support/fake_batch_server.h"

#include <utility>

#include "core/serve/openai_protocol.h"

namespace retort {

FakeBatchServer::FakeBatchServer(FakeBatchPlan plan)
    : batches_(std::move(plan)), server_([this](RawConnection& connection) { serve(connection); }) {}

void FakeBatchServer::hold(const std::string& point) {
  const std::lock_guard lock(mutex_);
  hold_ = point;
}

int FakeBatchServer::held() const {
  const std::lock_guard lock(mutex_);
  return held_;
}

int FakeBatchServer::asked() const {
  const std::lock_guard lock(mutex_);
  return asked_;
}

void FakeBatchServer::serve(RawConnection& connection) {
  while (const auto request = connection.read_request()) {
    if (!reply(connection, *request)) return;
  }
}

/// False if the connection is to be closed.
bool FakeBatchServer::reply(RawConnection& connection, const RawRequest& request) {
  const std::string method = request.head.substr(0, request.head.find(' '));
  const std::string target = request.target();
  const std::string json = "Content-Type: application/json\r\n";
  if (target == "/v1/models") return connection.send(http_reply(model_list_body("arithmetic"), json));
  if (target == "/v1/chat/completions") {
    const std::string body = FakeBatches::chat(request.body);
    const std::lock_guard lock(mutex_);
    ++asked_;
    return connection.send(http_reply(body, json));
  }
  const std::string step = FakeBatches::step_of(method, target);
  std::string when;
  {
    const std::lock_guard lock(mutex_);
    const std::size_t blank = hold_.find(' ');
    if (blank != std::string::npos && hold_.substr(blank + 1) == step) when = std::exchange(hold_, {}).substr(0, blank);
  }
  const auto hold_on = [&] {
    {
      const std::lock_guard lock(mutex_);
      ++held_;
    }
    connection.pause(24h);
    return false;
  };
  if (when == "before") return hold_on();
  const auto done = batches_.handle(method, target, request.header("content-type"), request.body);
  if (when == "after") return hold_on();
  if (!done) {
    const std::string body = chat_error_body({.status = 404, .code = "not_found", .message = "no such path"});
    return connection.send(http_reply(body, json, "404 Not Found"));
  }
  const std::string status = std::to_string(done->status) + (done->status == 200 ? " OK" : " Refused");
  const std::string bytes = http_reply(done->body, "Content-Type: " + done->type + "\r\n", status);
  if (when != "half") return connection.send(bytes);
  connection.send(bytes.substr(0, bytes.size() - done->body.size() / 2));
  return hold_on();
}

}  // namespace retort
