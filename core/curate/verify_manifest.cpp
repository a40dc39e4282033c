#include "core/curate/verify_manifest.h"

#include <algorithm>
#include <map>

#include "core/corpus/content_digest.h"
#include "core/curate/merkle.h"

namespace retort {
namespace {

constexpr std::size_t kPairsPerStep = 64;

using Counts = std::map<std::string, std::int64_t>;

const char* may_train_word(const Terms& terms) {
  return !terms.outputs_may_train ? "unknown" : *terms.outputs_may_train ? "yes" : "no";
}

/// What is compared, as it streams by.
struct Tally {
  MerkleTree tree;
  Counts sources;  ///< "teacher, model, licence, may train" → responses
  std::vector<RowId> forgotten;

  void add(const Pair& pair, const std::string& grave) {
    tree.add(merkle_leaf(pair, grave.empty() ? content_digest(pair) : grave), pair.response);
    ++sources[pair.teacher.name + ", " + pair.teacher.model + ", licence '" + pair.rights.licence +
              "', may train: " + may_train_word(pair.rights)];
    if (!grave.empty()) forgotten.push_back(pair.response);
  }
};

Counts sources_of(const Json& manifest) {
  Counts counts;
  for (const Json& source : manifest.value("sources", Json::array())) {
    counts[json_text(source, "teacher") + ", " + json_text(source, "model") + ", licence '" +
           json_text(source, "licence") + "', may train: " + json_text(source, "outputs_may_train")] +=
        json_count(source, "pairs").value_or(0);
  }
  return counts;
}

/// What the manifest covers.
struct Covered {
  RowId view = 0;  ///< 0: `all`, up to the response `last`; a stored view is frozen by itself
  std::string part;
  RowId last = 0;
  std::int64_t leaves = 0;
  RowId tombstones = 0;  ///< what they cover, up to this one, had gone before
};

Result<void> read_view(CorpusReader& reader, const Covered& covered, Tally& tally) {
  for (std::int64_t after = 0; tally.tree.size() < covered.leaves;) {
    const auto pairs = reader.view_pairs_after(covered.view, after, covered.part, kPairsPerStep);
    if (!pairs) return fail(pairs.error());
    if (pairs->empty()) return {};
    for (const ViewPair& entry : *pairs) {
      after = entry.position;
      if (entry.forgotten && entry.tombstone <= covered.tombstones) continue;
      if (tally.tree.size() == covered.leaves || (covered.view == 0 && entry.pair.response > covered.last)) return {};
      tally.add(entry.pair, entry.content);
      if (entry.rejected) tally.add(*entry.rejected, entry.rejected_content);
    }
  }
  return {};
}

void compare_parts(const Json& before, const Json& now, std::vector<std::string>& differences) {
  const Json empty = Json::array();
  const Json& then_parts = before.contains("parts") && before["parts"].is_array() ? before["parts"] : empty;
  const Json& now_parts = now["parts"];
  for (std::size_t i = 0; i < std::max(then_parts.size(), now_parts.size()); ++i) {
    if (i >= then_parts.size() || i >= now_parts.size()) continue;  // the counts tell
    if (json_text(then_parts[i], "root") == json_text(now_parts[i], "root")) continue;
    differences.push_back("responses " + std::to_string(json_count(then_parts[i], "first").value_or(0)) + " to " +
                          std::to_string(json_count(then_parts[i], "last").value_or(0)) +
                          ": content, teacher, time or cost of at least one is another now");
  }
}

void compare_sources(const Counts& before, const Counts& now, std::vector<std::string>& differences) {
  Counts all = before;
  all.insert(now.begin(), now.end());
  for (const auto& [source, ignored] : all) {
    const std::int64_t then = before.count(source) ? before.at(source) : 0;
    const std::int64_t today = now.count(source) ? now.at(source) : 0;
    if (then != today)
      differences.push_back(source + ": " + std::to_string(then) + " responses then, " + std::to_string(today) +
                            " now");
  }
}

}  // namespace

Result<ManifestProof> verify_manifest(CorpusReader& reader, const Json& manifest) {
  const Json& merkle = json_child(manifest, "merkle");
  const auto leaves = json_count(merkle, "leaves");
  const auto frozen = json_count(manifest, "frozen_at");
  if (!leaves || !frozen) return fail(Errc::usage, "is no manifest with a tree ('merkle') that could be compared");
  Tally tally;
  Covered covered{0, {}, *frozen, *leaves, json_count(manifest, "tombstones").value_or(0)};
  const std::string name = json_text(manifest, "view");
  if (name != "all") {
    const Json& curation = json_child(manifest, "curation");
    const std::string digest = json_text(curation, "view_digest");
    const auto view = reader.view_of_digest(name, digest);
    if (!view) return fail(view.error());
    if (!*view) {
      return ManifestProof{0, {}, {"view '" + name + "' with the digest " + digest + " is not in this corpus"}};
    }
    covered.view = (*view)->id;
    covered.part = json_text(curation, "split");
  }
  if (auto done = read_view(reader, covered, tally); !done) return fail(done.error());
  ManifestProof proof{tally.tree.size(), std::move(tally.forgotten), {}};
  if (tally.tree.size() != *leaves) {
    proof.differences.push_back(std::to_string(*leaves) + " responses then, " + std::to_string(tally.tree.size()) +
                                " now");
  }
  if (tally.tree.root() != json_text(merkle, "root")) {
    compare_parts(merkle, tally.tree.summary(), proof.differences);
    if (proof.differences.empty()) proof.differences.push_back("the root of the tree");
  }
  compare_sources(sources_of(manifest), tally.sources, proof.differences);
  return proof;
}

}  // namespace retort
