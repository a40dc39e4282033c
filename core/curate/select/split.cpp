#include "core/curate/select/split.h"

#include <charconv>
#include <cmath>
#include <set>
#include <string>

#include "core/base/assert.h"
#include "core/base/hash.h"

namespace retort {

const SplitPart& split_of(std::string_view prompt_digest, std::span<const SplitPart> parts, std::string_view salt) {
  RETORT_ASSERT(!parts.empty());
  const std::string hex = sha256_hex(std::string(salt) + "/" + std::string(prompt_digest));
  std::uint64_t bits = 0;
  std::from_chars(hex.data(), hex.data() + 13, bits, 16);  // 52 bits: exact in a double
  double at = static_cast<double>(bits) * 0x1.0p-52;
  for (const SplitPart& part : parts) {
    if (at < part.share) return part;
    at -= part.share;
  }
  return parts.back();
}

Result<void> check_split(std::span<const SplitPart> parts) {
  if (parts.empty()) return fail(Errc::usage, "a split needs at least one part, such as train = 0.95");
  std::set<std::string_view> names;
  double sum = 0;
  for (const SplitPart& part : parts) {
    if (!names.insert(part.name).second) return fail(Errc::usage, "two parts of the split are called " + part.name);
    if (!(part.share > 0 && part.share <= 1))
      return fail(Errc::usage, "the share of the split's part " + part.name + " must be above 0 and at most 1");
    sum += part.share;
  }
  if (std::abs(sum - 1) > 1e-6)
    return fail(Errc::usage, "the shares of the split add up to " + std::to_string(sum) + " instead of 1");
  return {};
}

}  // namespace retort
