#include "core/curate/pairs_digest.h"

#include "core/base/hash.h"

namespace retort {

std::string content_digest(const Pair& pair) {
  return sha256_hex(canonical_json({{"messages", pair.messages},
                                    {"reasoning", pair.answer.reasoning},
                                    {"refusal", pair.answer.refusal},
                                    {"text", pair.answer.text},
                                    {"tool_calls", pair.answer.tool_calls}}));
}

PairsDigest::PairsDigest() : link_(sha256_hex("")) {}

void PairsDigest::add(const Pair& pair) {
  link_ = sha256_hex(link_ + content_digest(pair));
  ++pairs_;
}

}  // namespace retort
