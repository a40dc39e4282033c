#include "core/corpus/content_digest.h"

#include "core/base/hash.h"

namespace retort {

std::string content_digest(const Json& messages, const Response& answer) {
  return sha256_hex(canonical_json({{"messages", messages},
                                    {"reasoning", answer.reasoning},
                                    {"refusal", answer.refusal},
                                    {"text", answer.text},
                                    {"tool_calls", answer.tool_calls}}));
}

std::string content_digest(const Pair& pair) { return content_digest(pair.messages, pair.answer); }

}  // namespace retort
