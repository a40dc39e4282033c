// What stages that choose among many share: who comes first, and signatures as sketches.
#pragma once

#include <algorithm>
#include <cstring>
#include <numeric>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/assert.h"
#include "core/curate/dedupe/near_duplicates.h"
#include "core/curate/pipeline/stage.h"

namespace retort {

/// Positions by preference: "first" (the oldest), "shortest" or "longest" by tokens; ties go to the older one.
inline std::vector<std::uint32_t> in_order(std::span<const Member> members, std::string_view prefer) {
  std::vector<std::uint32_t> order(members.size());
  std::iota(order.begin(), order.end(), 0U);
  if (prefer == "first") return order;
  RETORT_ASSERT(prefer == "shortest" || prefer == "longest");
  std::stable_sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
    return prefer == "shortest" ? members[a].tokens < members[b].tokens : members[a].tokens > members[b].tokens;
  });
  return order;
}

inline std::string sketch_of(const Signature& signature) {
  return {reinterpret_cast<const char*>(signature.data()), sizeof signature};
}

inline Signature signature_in(std::string_view sketch) {
  Signature signature;
  RETORT_ASSERT(sketch.size() == sizeof signature);
  std::memcpy(signature.data(), sketch.data(), sizeof signature);
  return signature;
}

}  // namespace retort
