#include "core/prompt/make/topics.h"

#include "core/base/text.h"
#include "core/prompt/prompt_source.h"

namespace retort {

const std::string_view kTopicTemplate =
    "Write {{n}} different questions or tasks about {{topic}} that this person might bring to an expert: {{persona}}. "
    "Each must be complete in itself and answerable in text alone, and must not mention the person. Write only the "
    "list, numbered from 1, each on a line of its own.";

const std::string_view kBareTopicTemplate =
    "Write {{n}} different questions or tasks about {{topic}}. They should differ in form and difficulty. Each must be "
    "complete in itself and answerable in text alone. Write only the list, numbered from 1, each on a line of its own.";

std::vector<std::string> read_lines(std::string_view text) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = trimmed(text.substr(at, end - at));
    at = end + 1;
    if (!line.empty() && line.front() != '#') lines.emplace_back(line);
  }
  return lines;
}

Result<Json> topic_messages(const std::string& form, const std::string& topic, const std::string& persona, int wanted) {
  Json fields = {{"topic", topic}, {"n", std::to_string(wanted)}};
  if (!persona.empty()) fields["persona"] = persona;
  auto text = fill_template(form, fields);
  if (!text) {
    return fail(Errc::usage,
                "the template may name {{topic}}, {{n}} and, with --personas, {{persona}}: " + text.error().message);
  }
  return Json::array({{{"role", "user"}, {"content", std::move(*text)}}});
}

}  // namespace retort
