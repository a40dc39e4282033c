// Evaluation sets come as JSON lines in which each publisher names the question otherwise.
#include <algorithm>

#include "core/base/json.h"
#include "core/base/text.h"
#include "core/curate/evaluation_index.h"

namespace retort {
namespace {

const std::vector<std::string> kQuestionFields = {"question", "problem", "prompt",   "instruction", "input",
                                                  "query",    "text",    "messages", "choices"};

// All text within a value, in order: a string, a list of strings, messages, choices with labels.
void append_text(const Json& value, std::string& text) {
  if (value.is_string()) {
    if (!text.empty()) text += '\n';
    text += value.get_ref<const std::string&>();
  } else if (value.is_array()) {
    for (const Json& part : value) append_text(part, text);
  } else if (value.is_object()) {
    for (const char* key : {"content", "text"}) {
      if (value.contains(key)) append_text(value[key], text);
    }
  }
}

std::string id_of(const Json& row, std::size_t line) {
  for (const char* key : {"id", "task_id", "question_id", "idx"}) {
    if (!row.contains(key)) continue;
    if (row[key].is_string()) return row[key].get<std::string>();
    if (row[key].is_number_integer()) return std::to_string(row[key].get<std::int64_t>());
  }
  return std::to_string(line);
}

}  // namespace

Result<std::vector<EvaluationItem>> evaluation_items(std::string_view json_lines, std::string_view set,
                                                     const std::vector<std::string>& fields) {
  const auto wrong = [&](std::size_t line, const std::string& what) {
    return fail(Errc::usage, "evaluation set " + std::string(set) + ", line " + std::to_string(line) + ": " + what);
  };
  std::vector<EvaluationItem> items;
  for (std::size_t line = 1; !json_lines.empty(); ++line) {
    const std::size_t end = std::min(json_lines.find('\n'), json_lines.size());
    const std::string_view bytes = trimmed(json_lines.substr(0, end));
    json_lines.remove_prefix(std::min(json_lines.size(), end + 1));
    if (bytes.empty()) continue;
    const Result<Json> row = parse_json(bytes);
    if (!row || !row->is_object()) return wrong(line, "no JSON object");
    std::string text;
    for (const std::string& field : fields.empty() ? kQuestionFields : fields) {
      if (row->contains(field)) append_text((*row)[field], text);
    }
    if (text.empty()) return wrong(line, "no text in any of its fields; name the fields that hold the question");
    items.push_back({std::string(set), id_of(*row, line), std::move(text)});
  }
  return items;
}

}  // namespace retort
