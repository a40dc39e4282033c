// Is a corpus still what a manifest says? Every response is read again, its digest computed anew, and the trees
// compared.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/json.h"
#include "core/base/result.h"
#include "core/corpus/corpus.h"

namespace retort {

struct ManifestProof {
  std::int64_t responses = 0;
  std::vector<RowId> forgotten;          ///< responses that only the digests of tombstones stand for
  std::vector<std::string> differences;  ///< a line each; empty: the manifest holds
};

/// Reads in short steps, in memory that grows with what was forgotten alone. Errc::usage if it is no manifest, or one without a tree.
Result<ManifestProof> verify_manifest(CorpusReader& reader, const Json& manifest);

}  // namespace retort
