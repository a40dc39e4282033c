#include "core/batch/batch_list.h"

namespace retort {

std::optional<BatchView> BatchList::read_batch(std::string_view body) const {
  const Result<Json> parsed = parse_reply_json(body);
  return parsed ? view_of(*parsed) : std::nullopt;
}

std::optional<BatchPage> BatchList::read_page(std::string_view body) const {
  const Result<Json> parsed = parse_reply_json(body);
  if (!parsed) return {};
  const Json& data = json_child(*parsed, "data");
  if (!data.is_array()) return {};
  BatchPage page;
  for (const Json& one : data) {
    if (auto view = view_of(one)) page.batches.push_back(std::move(*view));
  }
  const auto more = parsed->find("has_more");
  if (more != parsed->end() && more->is_boolean() && more->get<bool>() && !page.batches.empty()) {
    page.next = json_text(*parsed, "last_id");
    if (page.next.empty()) page.next = page.batches.back().id;
  }
  return page;
}

HttpRequest BatchList::to(const char* method, const std::string& path) const {
  HttpRequest request;
  request.method = method;
  request.url = url_ + path;
  request.headers = headers_;
  return request;
}

}  // namespace retort
