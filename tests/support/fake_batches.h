// The batch APIs of OpenAI and of Anthropic for tests, as one pure function from request to reply: FakeBatchServer
// serves it over sockets, other tests stand it behind a transport of their own. It executes arithmetic, gives results
// in the opposite order, and keeps the books: what was bought, and how often.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/json.h"

namespace retort {

/// How batches go. Changing it changes batches that are under way.
struct FakeBatchPlan {
  int looks = 1;                  ///< how often a batch is looked at, or listed, until it is over
  std::string end = "completed";  ///< or "expired", "failed" (at validation)
  int executed_max = -1;          ///< questions of a batch that are executed before it expires or is cancelled; -1: all
  std::string bad = {};           ///< prompts with this in them get an error of status 400
  std::string overloaded = {};    ///< prompts with this in them get an error of the server's
  bool lists = true;              ///< false: a copy of the API without a list of batches
  bool metadata = true;           ///< false: a copy that drops it
  bool drops_lines = false;       ///< false results: a line is missing, one is broken, one is twice, one is another's
};

struct FakeReply {
  int status = 200;
  std::string type = "application/json";
  std::string body;
};

class FakeBatches {
 public:
  /// `seconds`: since 1970, when batches are made; by default the machine's clock.
  explicit FakeBatches(FakeBatchPlan plan = {}, std::function<std::int64_t()> seconds = {});

  void set(const FakeBatchPlan& plan);
  /// Nothing if the path belongs to no batch API. `type`: of the request's body.
  std::optional<FakeReply> handle(const std::string& method, const std::string& target, const std::string& type,
                                  const std::string& body);
  /// What a request is about: "upload", "create", "list", "look", "cancel", "results", "errors"; else empty.
  static std::string step_of(const std::string& method, const std::string& target);

  /// The reply to one chat request.
  static std::string chat(const std::string& body);

  /// How often each prompt was bought: executed, or to be executed by a batch under way.
  std::map<std::string, int> bought() const;
  int created() const;
  int uploaded() const;
  /// The last question that was asked with that prompt, as it came; null if none was.
  Json asked(const std::string& prompt) const;

 private:
  struct Question {
    std::string custom_id, prompt;
    Json body;
    bool executed = false, bad = false, overloaded = false;
  };
  struct Batch {
    std::string id, input_file, endpoint, end;
    Json metadata;
    std::vector<Question> questions;
    bool anthropic = false, over = false, cancelling = false;
    int looks = 0;
    std::int64_t created = 0;
  };

  FakeReply openai(const std::string& method, const std::string& path, const std::string& query,
                   const std::string& type, const std::string& body);
  FakeReply anthropic(const std::string& method, const std::string& path, const std::string& query,
                      const std::string& body);
  FakeReply upload(const std::string& type, const std::string& body);
  FakeReply create(const Json& asked);
  FakeReply create_anthropic(const Json& asked);
  FakeReply page(bool anthropic, const std::string& query);
  Batch* find(const std::string& id);
  Batch& add(bool anthropic);
  void take(Batch& batch, const std::string& custom_id, const Json& body);
  void look_at(Batch& batch);
  void end(Batch& batch);
  Json view(const Batch& batch) const;
  Json openai_view(const Batch& batch) const;
  Json anthropic_view(const Batch& batch) const;
  std::string results(const Batch& batch, bool errors) const;
  std::string openai_line(const Batch& batch, const Question& question, std::size_t number) const;
  std::string anthropic_line(const Batch& batch, const Question& question, std::size_t number) const;
  bool has_errors(const Batch& batch) const;

  mutable std::mutex mutex_;
  FakeBatchPlan plan_;
  const std::function<std::int64_t()> seconds_;
  std::vector<Batch> batches_;                ///< oldest first
  std::map<std::string, std::string> files_;  ///< id → JSON lines
};

}  // namespace retort
