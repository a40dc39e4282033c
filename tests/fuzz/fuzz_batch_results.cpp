// Files of results as any bytes, in any portions: how they are cut changes no line; a line is a reply, a problem or
// nothing; and what is kept of it is a part of it that means what the parser read.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/assert.h"
#include "core/base/json.h"
#include "core/base/text.h"
#include "core/batch/batch_api.h"
#include "core/batch/result_lines.h"

namespace {

using namespace retort;

std::vector<std::string> lines_of(std::string_view text, std::size_t portion, std::size_t most) {
  std::vector<std::string> lines;
  LineSplitter splitter(most);
  const LineSplitter::Take take = [&](std::string_view line, bool whole) {
    RETORT_ASSERT(line.size() <= most && line.find('\n') == std::string_view::npos);
    lines.push_back(std::string(line) + (whole ? "" : "…"));
  };
  for (std::size_t at = 0; at < text.size(); at += portion) splitter.feed(text.substr(at, portion), take);
  splitter.end(take);
  return lines;
}

void check(const BatchApi& api, std::string_view text, std::string_view body_path) {
  const auto line = api.read_line(text);
  (void)attempt_within(text, "00112233aabbccdd");
  if (!line) return;
  RETORT_ASSERT(!line->custom_id.empty() && is_valid_utf8(line->custom_id));
  RETORT_ASSERT(is_valid_utf8(line->problem) && is_valid_utf8(line->detail) && is_valid_utf8(line->request_id));
  RETORT_ASSERT(line->problem.empty() ? line->status >= 100 && line->status < 1000 : line->status == 0);
  if (const auto attempt = attempt_of(line->custom_id, "00112233aabbccdd")) RETORT_ASSERT(*attempt > 0);
  if (line->body.empty()) return;
  RETORT_ASSERT(line->body.data() >= text.data() && line->body.data() + line->body.size() <= text.data() + text.size());
  const Result<Json> whole = parse_reply_json(text), part = parse_reply_json(line->body);
  RETORT_ASSERT(whole.has_value());
  const Json::json_pointer pointer{std::string(body_path)};
  // A key that is written with escapes is passed over by whoever looks at bytes alone.
  if (part && whole->contains(pointer) && text.find('\\') == std::string_view::npos)
    RETORT_ASSERT(dump_json(*part) == dump_json((*whole)[pointer]));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto openai = make_openai_batch("http://t/v1", {});
  static const auto anthropic = make_anthropic_batch("http://t", {});
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto lines = lines_of(text, size + 1, 4096);
  RETORT_ASSERT(lines == lines_of(text, 1, 4096));
  RETORT_ASSERT(lines == lines_of(text, 7, 4096));
  for (const std::string& line : lines) {
    check(*openai, line, "/response/body");
    check(*anthropic, line, line.find("errored") == std::string::npos ? "/result/message" : "/result/error");
  }
  return 0;
}
