// What the batch APIs have in common: JSON below one URL, and lists of batches in pages.
#pragma once

#include "core/base/json.h"
#include "core/batch/batch_api.h"

namespace retort {

class BatchList : public BatchApi {
 public:
  std::optional<BatchView> read_batch(std::string_view body) const final;
  std::optional<BatchPage> read_page(std::string_view body) const final;

 protected:
  BatchList(std::string url, std::vector<HttpHeader> headers) : url_(std::move(url)), headers_(std::move(headers)) {}

  HttpRequest to(const char* method, const std::string& path) const;
  /// Nothing if that is no batch.
  virtual std::optional<BatchView> view_of(const Json& batch) const = 0;

  const std::string url_;

 private:
  const std::vector<HttpHeader> headers_;
};

}  // namespace retort
