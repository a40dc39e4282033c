#include "core/curate/admission.h"

#include <set>
#include <utility>

#include "core/base/text.h"
#include "core/curate/ledger.h"

namespace retort {
namespace {

// Answers may be megabytes each: few at a time, and short steps for the WAL.
constexpr std::size_t kPairsPerStep = 64;

constexpr const char* kPermission = "permission";
constexpr const char* kExplanation = "explanation";

// Calls `use` with the pairs up to a response, at most so many of them (0: all).
Result<void> for_each_pair(CorpusReader& reader, RowId last, RowId pairs_max,
                           const std::function<Result<void>(const Pair&)>& use) {
  RowId after = 0;
  for (RowId count = 0; after < last;) {
    const auto pairs = reader.pairs_after(after, kPairsPerStep);
    if (!pairs) return fail(pairs.error());
    if (pairs->empty()) return {};
    for (const Pair& pair : *pairs) {
      if (pair.response > last || (pairs_max > 0 && count == pairs_max)) return {};
      if (auto used = use(pair); !used) return used;
      after = pair.response;
      ++count;
    }
  }
  return {};
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
  Ledger ledger;
  auto read = for_each_pair(reader, *newest, purpose.pairs_max, [&ledger](const Pair& pair) -> Result<void> {
    ledger.add(pair);
    return {};
  });
  if (!read) return fail(read.error());

  Statements statements = granted;
  statements.insert(stored.begin(), stored.end());
  if (auto allowed = judge(ledger, purpose.command, statements); !allowed) return fail(allowed.error());

  Admission admission{ledger.newest(), ledger.pairs(), ledger.digest(), Json::object()};
  admission.manifest["retort_manifest"] = 1;
  admission.manifest["tool"] = {{"name", "retort"}, {"version", RETORT_VERSION}};
  admission.manifest["command"] = purpose.command;
  admission.manifest["view"] = "all";
  admission.manifest["permissions"] = listed(granted, stored);
  ledger.write(admission.manifest);
  return admission;
}

Result<void> read_admitted(CorpusReader& reader, const Admission& admission,
                           const std::function<Result<void>(const Pair&)>& use) {
  PairsDigest digest;
  auto read = for_each_pair(reader, admission.frozen_at, 0, [&](const Pair& pair) -> Result<void> {
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
