#include "core/curate/audit/repetition.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <vector>

#include "core/base/text.h"
#include "core/base/visible_text.h"
#include "core/curate/words.h"

namespace retort {
namespace {

constexpr std::size_t kBlock = 8;
constexpr std::size_t kShownBytesMax = 80;

std::uint64_t block_at(std::string_view text, std::size_t at) {
  std::uint64_t block = 0;
  std::memcpy(&block, text.data() + at, kBlock);
  return block;
}

bool has_word(std::string_view period) {
  return std::any_of(period.begin(), period.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           static_cast<unsigned char>(c) >= 0x80;
  });
}

}  // namespace

Loop longest_loop(std::string_view text, const RepetitionSettings& settings) {
  Loop best;
  if (text.size() < std::max(settings.bytes_min, 2 * kBlock)) return best;
  // Where a block stood last; a collision only forgets a place.
  const int bits = std::min(24, static_cast<int>(std::bit_width(text.size())));
  std::vector<std::uint32_t> last(std::size_t{1} << bits, 0);  // position + 1
  const std::size_t end = std::min<std::size_t>(text.size(), 0xFFFFFFFEU);
  for (std::size_t at = 0; at + kBlock <= end;) {
    const std::uint64_t block = block_at(text, at);
    std::uint32_t& place = last[mixed_bits(block) >> (64 - bits)];
    const std::size_t known = place;
    place = static_cast<std::uint32_t>(at + 1);
    if (known == 0 || block_at(text, known - 1) != block) {
      ++at;
      continue;
    }
    Loop run{known - 1, at, at - (known - 1)};
    while (run.end < end && text[run.end] == text[run.end - run.period]) ++run.end;
    const std::size_t back_max = std::min(run.begin, std::min(run.period, run.end - at));
    for (std::size_t back = 0; back < back_max && text[run.begin - 1] == text[run.begin - 1 + run.period]; ++back)
      --run.begin;
    const bool loops = run.end - run.begin >= settings.bytes_min && run.times() >= settings.times_min;
    if (loops && run.end - run.begin > best.end - best.begin && has_word(text.substr(run.begin, run.period)))
      best = run;
    // Of a run that was none, half is gone through again: another period may begin in it.
    const std::size_t matched = run.end - at;
    at += loops ? matched - kBlock + 1 : matched / 2 + 1;
  }
  return best;
}

Json RepetitionAudit::settings() const {
  return {{"bytes_min", settings_.bytes_min}, {"times_min", settings_.times_min}, {"share_min", settings_.share_min}};
}

Label RepetitionAudit::judge(const Answered& pair) const {
  for (const auto& [text, value] : {std::pair(pair.text, "loop"), std::pair(pair.reasoning, "reasoning_loop")}) {
    const Loop loop = longest_loop(text, settings_);
    const double share =
        text.empty() ? 0 : static_cast<double>(loop.end - loop.begin) / static_cast<double>(text.size());
    if (loop.period == 0 || share < settings_.share_min) continue;
    const std::string words = shortened(visible_line(text.substr(loop.begin, loop.period)), kShownBytesMax);
    char times[32];
    std::snprintf(times, sizeof times, "%.0f times: ", loop.times());
    return {value, times + words, share};
  }
  return {};
}

}  // namespace retort
