// The way back from the formats of core/export/format.h: one line of JSON to a pair, whoever wrote it.
#pragma once

#include <string>
#include <string_view>

#include "core/base/result.h"
#include "core/corpus/records.h"

namespace retort {

struct ImportedPair {
  Json messages;  ///< what was asked
  Response answer;
  std::string reference;    ///< the known right answer, or empty
  Json metadata = nullptr;  ///< the line's other fields, see metadata_of(); not `retort`, which tells of another corpus
};

/// Told apart by its keys: "messages" (chat), "prompt" with "completion", "instruction" with "output" (Alpaca), or
/// "conversations" (ShareGPT). Reasoning is taken from its own field, or from "<think>…</think>" that an answer begins
/// with. Errc::usage says what the line lacks; any bytes will do.
Result<ImportedPair> imported_pair(std::string_view line);

}  // namespace retort
