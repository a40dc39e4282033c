// Any bytes as a chat template are refused or render within their bounds, and every mark stays within the text.
#include <cstdint>
#include <string_view>

#include "core/text/jinja/template.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace retort;
  if (size > 4096) return 0;
  const auto read = jinja::Template::parse(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!read) return 0;
  static const Json kMessages = Json::parse(
      R"([{"role":"system","content":"s"},{"role":"user","content":"q é"},{"role":"assistant","content":"a","reasoning_content":"r"}])");
  const auto text = read->render({{"messages", jinja::from_json(kMessages, jinja::kOutside)},
                                  {"add_generation_prompt", true},
                                  {"tools", jinja::None{}},
                                  {"bos_token", jinja::Text("<s>")},
                                  {"eos_token", jinja::Text("</s>")}},
                                 0);
  if (!text) return 0;
  std::size_t at = 0;
  for (const jinja::Run& run : text->runs()) {
    RETORT_ASSERT(run.begin >= at && run.begin < run.end && run.end <= text->size() && run.marks != 0);
    at = run.end;
  }
  return 0;
}
