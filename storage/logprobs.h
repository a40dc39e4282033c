// Log probabilities are the bulkiest part of an answer (a token with five alternatives is some 600 bytes of JSON), so
// they have a form of their own. docs/corpus.md states it for readers in other languages.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/corpus/records.h"

namespace retort {

/// A token's own log probability keeps 32 bits, an alternative's 16 (11 bits of precision). Not compressed yet.
std::string pack_logprobs(const std::vector<TokenLogprob>& tokens);

/// What was packed. Errc::corpus for anything else; total, whatever the bytes.
Result<std::vector<TokenLogprob>> unpack_logprobs(std::string_view packed);

/// IEEE 754 half precision, to the nearest; and back.
std::uint16_t to_half(double value);
double from_half(std::uint16_t half);

}  // namespace retort
