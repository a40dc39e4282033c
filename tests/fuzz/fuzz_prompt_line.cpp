// A line of a prompt file is a row that can be asked or a bad row that says why; never anything else.
#include <cstdint>
#include <string_view>

#include "core/base/text.h"
#include "core/prompt/prompt_source.h"
#include "core/teacher/identity.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace retort;
  const std::string_view line(reinterpret_cast<const char*>(data), size);
  PromptSettings plain, with_template;
  with_template.prompt_template = "{{question}} and {{ n }} {{";
  with_template.system = "be brief";
  for (const PromptSettings* settings : {&plain, &with_template}) {
    for (const PromptFormat format : {PromptFormat::jsonl, PromptFormat::text}) {
      const PromptEvent event = parse_prompt_line(line, format, *settings, "f", 1);
      if (const auto* row = std::get_if<PromptRow>(&event)) {
        RETORT_ASSERT(row->messages.json().is_array() && !row->messages.json().empty());
        RETORT_ASSERT(row->metadata.is_null() || row->metadata.is_object());
        RETORT_ASSERT(is_valid_utf8(row->reference) && is_valid_utf8(row->messages.text()));
        RETORT_ASSERT(row->messages.digest().size() == 64);
      } else {
        RETORT_ASSERT(!std::get<BadRow>(event).problem.empty());
      }
    }
  }
  return 0;
}
