#include "core/curate/admission.h"

#include <set>
#include <utility>

#include "core/base/text.h"
#include "core/curate/ledger.h"
#include "core/curate/origins.h"

namespace retort {
namespace {

// Answers may be megabytes each: few at a time, and short steps for the WAL.
constexpr std::size_t kPairsPerStep = 64;

constexpr const char* kPermission = "permission";
constexpr const char* kExplanation = "explanation";

/// Which pairs: the view `all` up to a response, or a stored view, which is frozen as it is.
struct Range {
  RowId last = 0;
  RowId pairs_max = 0;  ///< 0: all
  RowId view = 0;       ///< 0: `all`
  std::string part;
};

Result<void> for_each_in_view(CorpusReader& reader, const Range& range,
                              const std::function<Result<void>(const Pair&)>& use) {
  std::int64_t after = 0;
  for (RowId count = 0;;) {
    const auto pairs = reader.view_pairs_after(range.view, after, range.part, kPairsPerStep);
    if (!pairs) return fail(pairs.error());
    if (pairs->empty()) return {};
    for (const ViewPair& entry : *pairs) {
      after = entry.position;
      if (entry.forgotten) continue;  // its tombstone says so; nothing is made from it any more
      if (range.pairs_max > 0 && count == range.pairs_max) return {};
      if (auto used = use(entry.pair); !used) return used;
      ++count;
      if (!entry.rejected) continue;
      if (auto used = use(*entry.rejected); !used) return used;
      ++count;
    }
  }
}

Result<void> for_each_pair(CorpusReader& reader, const Range& range,
                           const std::function<Result<void>(const Pair&)>& use) {
  if (range.view != 0) return for_each_in_view(reader, range, use);
  RowId after = 0;
  for (RowId count = 0; after < range.last;) {
    const auto pairs = reader.pairs_after(after, kPairsPerStep);
    if (!pairs) return fail(pairs.error());
    if (pairs->empty()) return {};
    for (const Pair& pair : *pairs) {
      if (pair.response > range.last || (range.pairs_max > 0 && count == range.pairs_max)) return {};
      if (auto used = use(pair); !used) return used;
      after = pair.response;
      ++count;
    }
  }
  return {};
}

Result<std::optional<ViewRecord>> stored_view(CorpusReader& reader, const Purpose& purpose) {
  if (purpose.view == "all") {
    if (purpose.part.empty()) return std::optional<ViewRecord>();
    return fail(Errc::usage, "--split wants a view that was split: make one with retort curate, name it with --view");
  }
  auto view = reader.view(purpose.view);
  if (!view) return view;
  if (*view) return view;
  std::string known = "all";
  const auto views = reader.views();
  if (!views) return fail(views.error());
  for (const ViewRecord& one : *views) known += ", " + one.name;
  return fail(Errc::usage,
              "no view '" + purpose.view + "' in this corpus (there are " + known + "): retort curate makes one");
}

using Statements = std::set<std::pair<std::string, std::string>>;

bool any_of_kind(const Statements& statements, const char* kind) {
  const auto at = statements.lower_bound({kind, ""});
  return at != statements.end() && at->first == kind;
}

// Errc::terms if something in the ledger needs a statement that nobody made.
Result<void> judge(const Ledger& ledger, const std::string& command, const Statements& statements) {
  std::string problem;
  if (ledger.barred_pairs() > 0 && !any_of_kind(statements, kPermission)) {
    problem = std::to_string(ledger.barred_pairs()) + " of " + std::to_string(ledger.pairs()) +
              " responses may not be used for " + command + ": " + ledger.barred() +
              ". If you have the right to, say so: --permission \"who, when, where it is written\"";
  }
  if (ledger.contradicting_pairs() > 0 && !any_of_kind(statements, kExplanation)) {
    if (!problem.empty()) problem += "; and ";
    problem += std::to_string(ledger.contradicting_pairs()) + " of " + std::to_string(ledger.pairs()) +
               " responses name another maker than their teacher's profile: " + ledger.contradictions() +
               ". If there is a good reason, give it: --explain \"why\"";
  }
  if (problem.empty()) return {};
  return fail(Errc::terms, problem + ". What you state is kept in the corpus and in everything made from it");
}

Json listed(const Statements& granted, const Statements& stored) {
  Json list = Json::array();
  Statements all = granted;
  all.insert(stored.begin(), stored.end());
  for (const auto& [kind, statement] : all) {
    list.push_back({{"kind", kind},
                    {"statement", statement},
                    {"stated", granted.contains({kind, statement}) ? "now" : "earlier"}});
  }
  return list;
}

}  // namespace

Result<std::vector<Permission>> permissions_of(const std::vector<std::string>& permissions,
                                               const std::vector<std::string>& explanations) {
  std::vector<Permission> result;
  for (const std::string& statement : permissions) {
    if (trimmed(statement).empty()) {
      return fail(Errc::usage, "--permission says nothing: state who gave it, when, and where it is written");
    }
    result.push_back({kPermission, to_valid_utf8(trimmed(statement))});
  }
  for (const std::string& statement : explanations) {
    if (trimmed(statement).empty()) {
      return fail(Errc::usage, "--explain says nothing: state why answers name another maker than the profile");
    }
    result.push_back({kExplanation, to_valid_utf8(trimmed(statement))});
  }
  return result;
}

Result<Admission> admit(CorpusReader& reader, const Purpose& purpose) {
  Statements granted, stored;
  for (const Permission& permission : purpose.granted) granted.emplace(permission.kind, permission.statement);
  const auto earlier = reader.permissions();
  if (!earlier) return fail(earlier.error());
  for (const Permission& permission : *earlier) stored.emplace(permission.kind, permission.statement);

  const auto newest = reader.newest_response();
  if (!newest) return fail(newest.error());
  const auto tombstone = reader.newest_tombstone();
  if (!tombstone) return fail(tombstone.error());
  const auto view = stored_view(reader, purpose);
  if (!view) return fail(view.error());
  const Range range{*newest, purpose.pairs_max, *view ? (*view)->id : 0, purpose.part};
  Ledger ledger;
  auto read = for_each_pair(reader, range, [&](const Pair& pair) -> Result<void> {
    ledger.add(pair);
    const auto makers = makers_of(reader, pair.messages, pair.metadata);
    if (!makers) return fail(makers.error());
    if (!makers->empty()) ledger.add_makers(pair, *makers);
    return {};
  });
  if (!read) return fail(read.error());

  Statements statements = granted;
  statements.insert(stored.begin(), stored.end());
  if (auto allowed = judge(ledger, purpose.command, statements); !allowed) return fail(allowed.error());

  Admission admission;
  admission.frozen_at = ledger.newest();
  admission.pairs = ledger.pairs();
  admission.digest = ledger.digest();
  admission.view = range.view;
  admission.part = range.part;
  admission.manifest = Json::object();
  admission.manifest["retort_manifest"] = 1;
  admission.manifest["tool"] = {{"name", "retort"}, {"version", RETORT_VERSION}};
  admission.manifest["command"] = purpose.command;
  admission.manifest["view"] = purpose.view;
  if (*view) {
    const ViewRecord& kept = **view;
    admission.preference = kept.recipe.contains("preference");
    admission.manifest["curation"] = {{"view_digest", kept.digest},  {"recipe", kept.recipe}, {"funnel", kept.funnel},
                                      {"frozen_at", kept.frozen_at}, {"parts", kept.parts},   {"split", purpose.part},
                                      {"made_at", kept.made_at}};
  }
  if (*tombstone > 0) admission.manifest["tombstones"] = *tombstone;
  admission.manifest["permissions"] = listed(granted, stored);
  ledger.write(admission.manifest);
  return admission;
}

Result<void> read_admitted(CorpusReader& reader, const Admission& admission,
                           const std::function<Result<void>(const Pair&)>& use) {
  PairsDigest digest;
  const RowId pairs_max = admission.view == 0 ? 0 : admission.pairs;
  auto read = for_each_pair(reader, {admission.frozen_at, pairs_max, admission.view, admission.part},
                            [&](const Pair& pair) -> Result<void> {
                              digest.add(pair);
                              return use(pair);
                            });
  if (!read) return read;
  if (digest.pairs() == admission.pairs && digest.hex() == admission.digest) return {};
  return fail(Errc::corpus, "the corpus changed while it was read: " + std::to_string(admission.pairs) +
                                " pairs were admitted and " + std::to_string(digest.pairs()) +
                                " found, or their content differs; run the command again");
}

}  // namespace retort
