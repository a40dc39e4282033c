// One exchange with a teacher as a readable file: what was asked, the request that must go out, the bytes that came,
// and what must be made of them. tests/exchanges/README.md describes the files.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/teacher/teacher.h"

namespace retort {

struct RecordedExchange {
  std::string name;     ///< "anthropic/stream"
  std::string dialect;  ///
  std::string model = "m";
  Json settings = Json::object();  ///< the fields of TeacherSettings that differ from their defaults
  std::optional<Json> question;
  std::string request_line;  ///< "POST /v1/messages"
  Json request;              ///< its body
  HttpHead head;
  std::string body;
  Json decoded;

  std::unique_ptr<Teacher> teacher() const;
  Question asked() const;
};

/// All files of tests/exchanges, by name. Throws std::runtime_error for one that cannot be read.
std::vector<RecordedExchange> recorded_exchanges(const std::string& folder);

/// What was decoded, in the form that the files have: what is empty is left out.
Json reply_json(const Reply& reply);

}  // namespace retort
