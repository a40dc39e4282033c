// A provider's batch API: a pure codec between batches and a provider's bytes, as core/teacher is one for single
// questions. What a line of a batch asks, and what a line of its results answers, are the dialect's own bodies.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/instant.h"
#include "core/base/result.h"
#include "core/net/transport.h"
#include "core/teacher/teacher.h"

namespace retort {

/// What a provider says of one batch.
struct BatchView {
  std::string id;
  std::string status;     ///< the provider's own word
  bool over = false;      ///< nothing more will come of it
  bool rejected = false;  ///< it was found wanting before anything of it was asked
  bool ran_out = false;   ///< expired or cancelled: some of it may never have been asked
  bool has_results = true;
  std::int64_t total = 0, completed = 0, failed = 0;
  std::string input_file;
  std::vector<std::string> result_files;  ///< files with results, or the batch itself where it has its own
  std::string key;                        ///< ours, where the API carries it
  std::string problem;                    ///< why it was rejected: one line
  std::optional<WallTime> created, expires;
};

struct BatchPage {
  std::vector<BatchView> batches;  ///< newest first
  std::string next;                ///< where the next page begins; empty: this was the last
};

/// One line of results. Unless `problem` is set, it is a reply as the API gives it to a single question.
struct BatchLine {
  std::string custom_id;
  int status = 0;
  std::string request_id;
  std::string_view body;  ///< within the line that was read
  /// Why there is no reply: "batch_expired", "batch_cancelled", …
  std::string problem, detail;
  bool never_asked = false;  ///< it was not executed, and costs nothing
};

/// The most that one batch may hold.
struct BatchSize {
  std::size_t requests = 0;
  std::size_t bytes = 0;
};

class BatchApi {
 public:
  virtual ~BatchApi() = default;

  virtual BatchSize size_max() const = 0;
  /// Questions go up as a file of their own before the batch is made of it.
  virtual bool takes_files() const = 0;
  /// Batches carry our key, or the name of their file: one whose id was lost can be told for certain.
  virtual bool tells_whose() const = 0;

  /// One question as it stands in a batch; `encoded` is the dialect's request for it.
  virtual std::string line(const std::string& custom_id, const HttpRequest& encoded) const = 0;
  virtual HttpRequest upload(const std::string& key, const std::string& lines) const = 0;
  /// The file's id; nothing if these bytes say none.
  virtual std::optional<std::string> read_upload(std::string_view body) const = 0;
  /// Of an uploaded file, or of the lines themselves.
  virtual HttpRequest create(const std::string& key, const std::string& input_file, const std::string& lines) const = 0;
  virtual HttpRequest look(const std::string& id) const = 0;
  virtual HttpRequest cancel(const std::string& id) const = 0;
  virtual HttpRequest list(const std::string& after) const = 0;
  /// One of a batch's result files.
  virtual HttpRequest results(const std::string& file) const = 0;

  /// Total: any bytes are a batch, a page or a line, or nothing.
  virtual std::optional<BatchView> read_batch(std::string_view body) const = 0;
  virtual std::optional<BatchPage> read_page(std::string_view body) const = 0;
  virtual std::optional<BatchLine> read_line(std::string_view line) const = 0;
};

/// Errc::usage if that dialect has no batch API that we speak. `headers` go with every request.
Result<std::unique_ptr<BatchApi>> make_batch_api(const std::string& dialect, const std::string& base_url,
                                                 std::vector<HttpHeader> headers);

std::unique_ptr<BatchApi> make_openai_batch(const std::string& base_url, std::vector<HttpHeader> headers);
std::unique_ptr<BatchApi> make_anthropic_batch(const std::string& base_url, std::vector<HttpHeader> headers);

}  // namespace retort
