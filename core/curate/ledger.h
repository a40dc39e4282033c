// What is counted about the pairs that pass the gate. Every count is per teacher and per terms, never per pair, so
// that its size depends on how many sources there are and not on how much they answered.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "core/base/json.h"
#include "core/corpus/curation.h"
#include "core/curate/merkle.h"
#include "core/curate/pairs_digest.h"

namespace retort {

class Ledger {
 public:
  void add(const Pair& pair);
  /// Whose output the prompt of the pair added last is: their terms count like those of the answer.
  void add_makers(const Pair& pair, const std::vector<Maker>& makers);

  std::int64_t pairs() const { return digest_.pairs(); }
  const std::string& digest() const { return digest_.hex(); }
  RowId newest() const { return newest_; }

  /// "'r1' (some-model): 150 unknown, 2 forbidden; …", or empty if all may train.
  std::string barred() const;
  std::int64_t barred_pairs() const { return barred_; }
  /// "'r1' (some-model): 3 name OpenAI, such as “I was trained by OpenAI”; …", or empty if none contradicts its
  /// profile.
  std::string contradictions() const;
  std::int64_t contradicting_pairs() const { return contradicting_; }

  /// The counting parts of the manifest: digest, terms, sources, audit, usage, obtained.
  void write(Json& manifest) const;

 private:
  using TeacherKey = std::tuple<std::string, std::string, std::string, std::string, std::string>;
  using TermsKey = std::tuple<std::string, std::string, std::string, std::vector<std::string>, int>;
  struct Source {
    std::int64_t pairs = 0;
    std::map<std::string, std::int64_t> served;  ///< the names under which the server answered
  };
  struct Evidence {
    std::int64_t pairs = 0, contradicting = 0;
    std::string example;
  };
  struct Teacher {
    std::vector<std::string> vendors;
    std::int64_t unknown = 0, forbidden = 0, contradicting = 0;
    std::map<std::string, Evidence> named;  ///< by vendor
  };

  void audit(const Pair& pair, Teacher& teacher);
  Json makers() const;
  Json strictest() const;
  Json sources() const;
  Json self_identification() const;

  PairsDigest digest_;
  MerkleTree merkle_;
  RowId newest_ = 0;
  std::map<std::pair<TeacherKey, TermsKey>, Source> sources_;
  std::map<TeacherKey, Teacher> teachers_;
  std::map<std::pair<TeacherKey, TermsKey>, std::map<std::string, std::int64_t>> makers_;  ///< by method, pairs
  std::map<TeacherKey, std::int64_t> barred_by_makers_;
  std::map<std::string, std::int64_t> finish_;
  std::int64_t barred_ = 0, contradicting_ = 0, refusals_ = 0, served_differs_ = 0, without_usage_ = 0;
  Usage usage_;
  Usd cost_;
  WallTime first_, last_;
};

}  // namespace retort
