// The gate between a corpus and everything made from it. Honest use is the easy path: responses whose terms
// are unknown or forbid training, or that name another vendor than their teacher's profile, stop export and
// train until somebody says why it is right, and that statement goes into everything made from them.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/base/json.h"
#include "core/base/result.h"
#include "core/corpus/corpus.h"

namespace retort {

struct Purpose {
  std::string command;              ///< "export" or "train"
  std::vector<Permission> granted;  ///< what the user stated on this command line
  RowId pairs_max = 0;              ///< only the first so many pairs of the view; 0 means all
  std::string view = "all";         ///< a stored one, or `all`
  std::string part = {};            ///< of a stored view: "train", "validation", "test"; empty: all of it
};

/// What may be used, and what must be told about it wherever it goes.
struct Admission {
  RowId frozen_at = 0;      ///< newest response included: what a harvest adds meanwhile is no part of it
  std::int64_t pairs = 0;   ///
  std::string digest;       ///< of the pairs, see core/curate/pairs_digest.h
  RowId view = 0;           ///< 0: the view `all`
  std::string part;         ///
  bool preference = false;  ///< the view holds preference pairs: both responses of each were admitted
  Json manifest;  ///< docs/manifest.md: counts per teacher, model, licence and condition; audit; cost; strictest terms
};

/// The permissions of a command line: each `--permission` and each `--explain`. Errc::usage if one says nothing.
Result<std::vector<Permission>> permissions_of(const std::vector<std::string>& permissions,
                                               const std::vector<std::string>& explanations);

/// Reads the view once, in short steps; memory does not grow with the corpus. Permissions already stored in the
/// corpus count as well as granted ones. Errc::terms with the counts per teacher and what to do, if the terms or the
/// evidence forbid the purpose.
Result<Admission> admit(CorpusReader& reader, const Purpose& purpose);

/// Reads exactly the admitted pairs again, in the order of the manifest's digest. Stops at the first error of `use`.
/// Errc::corpus if they are no longer what was admitted: then nothing made from them may be kept.
/// Of preference pairs both halves come, the preferred one first, then the other.
Result<void> read_admitted(CorpusReader& reader, const Admission& admission,
                           const std::function<Result<void>(const Pair&)>& use);

}  // namespace retort
