#include "core/curate/ledger.h"

#include <algorithm>

#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/corpus/words.h"
#include "core/curate/self_identification.h"
#include "core/curate/vendors.h"

namespace retort {
namespace {

constexpr std::size_t kServedModelsMax = 20;  // a server may claim a new name each time
constexpr const char* kOtherModels = "(others)";

constexpr int kForbidden = 0, kUnknown = 1, kAllowed = 2;  // the strictest first

int may_train(const Terms& terms) {
  if (!terms.outputs_may_train) return kUnknown;
  return *terms.outputs_may_train ? kAllowed : kForbidden;
}

const char* may_train_word(int may) { return may == kAllowed ? "yes" : may == kForbidden ? "no" : "unknown"; }

void add_tokens(std::optional<Tokens>& sum, const std::optional<Tokens>& part) {
  if (part) sum = sum.value_or(0) + *part;
}

std::string described(const std::string& name, const std::string& model) {
  return "'" + shortened(on_one_line(name), 60) + "' (" + shortened(on_one_line(model), 80) + "): ";
}

Json count_or_null(const std::optional<Tokens>& count) { return count ? Json(*count) : Json(nullptr); }

}  // namespace

void Ledger::add_makers(const Pair& pair, const std::vector<Maker>& makers) {
  std::map<std::pair<TeacherKey, TermsKey>, std::set<std::string>> of_pair;
  std::set<TeacherKey> barring;
  for (const Maker& maker : makers) {
    const TeacherIdentity& who = maker.teacher;
    const TeacherKey key{who.name, who.dialect, who.base_url, who.model, who.vendor};
    const Terms& rights = maker.rights;
    std::vector<std::string> conditions = rights.conditions;
    std::sort(conditions.begin(), conditions.end());
    const int may = may_train(rights);
    of_pair[{key, {rights.licence, rights.terms_url, rights.terms_checked, conditions, may}}].insert(maker.made.method);
    if (may != kAllowed) barring.insert(key);
  }
  for (const auto& [source, methods] : of_pair) {
    for (const std::string& method : methods) ++makers_[source][method];
  }
  for (const TeacherKey& key : barring) ++barred_by_makers_[key];
  if (!barring.empty() && may_train(pair.rights) == kAllowed) ++barred_;
}

void Ledger::add(const Pair& pair) {
  const std::string content = content_digest(pair);
  digest_.add(content);
  merkle_.add(merkle_leaf(pair, content), pair.response);
  newest_ = std::max(newest_, pair.response);
  const TeacherIdentity& who = pair.teacher;
  const TeacherKey teacher_key{who.name, who.dialect, who.base_url, who.model, who.vendor};
  std::vector<std::string> conditions = pair.rights.conditions;
  std::sort(conditions.begin(), conditions.end());
  const int may = may_train(pair.rights);
  Source& source =
      sources_[{teacher_key, {pair.rights.licence, pair.rights.terms_url, pair.rights.terms_checked, conditions, may}}];
  ++source.pairs;
  const std::string& served = pair.answer.served_model;
  const bool room = source.served.size() < kServedModelsMax || source.served.contains(served);
  ++source.served[room ? served : kOtherModels];

  const auto [found, is_new] = teachers_.try_emplace(teacher_key);
  Teacher& teacher = found->second;
  if (is_new) teacher.vendors = vendors_of(who);
  if (may == kUnknown) ++teacher.unknown;
  if (may == kForbidden) ++teacher.forbidden;
  if (may != kAllowed) ++barred_;
  audit(pair, teacher);

  add_tokens(usage_.input, pair.answer.usage.input);
  add_tokens(usage_.output, pair.answer.usage.output);
  add_tokens(usage_.cached_input, pair.answer.usage.cached_input);
  add_tokens(usage_.reasoning, pair.answer.usage.reasoning);
  if (!pair.answer.usage.input || !pair.answer.usage.output) ++without_usage_;
  cost_ += pair.cost;
  if (digest_.pairs() == 1 || pair.obtained < first_) first_ = pair.obtained;
  if (digest_.pairs() == 1 || pair.obtained > last_) last_ = pair.obtained;
}

void Ledger::audit(const Pair& pair, Teacher& teacher) {
  ++finish_[std::string(word(pair.answer.finish))];
  if (pair.answer.finish == Finish::refusal || !pair.answer.refusal.empty()) ++refusals_;
  if (!pair.answer.served_model.empty() && pair.answer.served_model != pair.teacher.model) ++served_differs_;
  bool contradicts = false;
  for (SelfIdentification& claim : self_identifications(pair.answer)) {
    const bool expected =
        std::find(teacher.vendors.begin(), teacher.vendors.end(), claim.vendor) != teacher.vendors.end();
    Evidence& evidence = teacher.named[claim.vendor];
    ++evidence.pairs;
    if (expected) continue;
    contradicts = true;
    ++evidence.contradicting;
    if (evidence.example.empty()) evidence.example = std::move(claim.span);
  }
  if (!contradicts) return;
  ++teacher.contradicting;
  ++contradicting_;
}

std::string Ledger::barred() const {
  std::string lines;
  for (const auto& [key, teacher] : teachers_) {
    if (teacher.unknown + teacher.forbidden == 0) continue;
    lines += (lines.empty() ? "" : "; ") + described(std::get<0>(key), std::get<3>(key));
    if (teacher.unknown > 0) lines += std::to_string(teacher.unknown) + " with unknown terms";
    if (teacher.unknown > 0 && teacher.forbidden > 0) lines += ", ";
    if (teacher.forbidden > 0) lines += std::to_string(teacher.forbidden) + " whose terms forbid training";
  }
  for (const auto& [key, pairs] : barred_by_makers_) {
    lines += (lines.empty() ? "" : "; ") + described(std::get<0>(key), std::get<3>(key)) + std::to_string(pairs) +
             " whose prompts it made under terms that are unknown or forbid training";
  }
  return lines;
}

std::string Ledger::contradictions() const {
  std::string lines;
  for (const auto& [key, teacher] : teachers_) {
    if (teacher.contradicting == 0) continue;
    lines += (lines.empty() ? "" : "; ") + described(std::get<0>(key), std::get<3>(key));
    std::string separator;
    for (const auto& [vendor, evidence] : teacher.named) {
      if (evidence.contradicting == 0) continue;
      lines +=
          separator + std::to_string(evidence.contradicting) + " name " + vendor + " (\"" + evidence.example + "\")";
      separator = ", ";
    }
    std::string profile;
    for (const std::string& vendor : teacher.vendors) profile += (profile.empty() ? "" : " or ") + vendor;
    lines += profile.empty() ? ", the profile names no vendor" : ", the profile says " + on_one_line(profile);
  }
  return lines;
}

// What is made of several sources has the strictest of their terms.
Json Ledger::strictest() const {
  int may = kAllowed;
  std::set<std::string> conditions, licences;
  for (const auto& [key, source] : sources_) {
    const auto& [licence, url, checked, wanted, allowed] = key.second;
    may = std::min(may, allowed);
    conditions.insert(wanted.begin(), wanted.end());
    licences.insert(licence);
  }
  for (const auto& [key, methods] : makers_) {
    const auto& [licence, url, checked, wanted, allowed] = key.second;
    may = std::min(may, allowed);
    conditions.insert(wanted.begin(), wanted.end());
    licences.insert(licence);
  }
  return {{"outputs_may_train", may_train_word(sources_.empty() ? kUnknown : may)},
          {"conditions", conditions},
          {"licences", licences}};
}

Json Ledger::sources() const {
  Json list = Json::array();
  for (const auto& [key, source] : sources_) {
    const auto& [name, dialect, base_url, model, vendor] = key.first;
    const auto& [licence, terms_url, terms_checked, conditions, may] = key.second;
    list.push_back({{"teacher", name},
                    {"dialect", dialect},
                    {"base_url", base_url},
                    {"model", model},
                    {"vendor", vendor},
                    {"licence", licence},
                    {"terms_url", terms_url},
                    {"terms_checked", terms_checked},
                    {"conditions", conditions},
                    {"outputs_may_train", may_train_word(may)},
                    {"pairs", source.pairs},
                    {"served_models", source.served}});
  }
  return list;
}

Json Ledger::makers() const {
  Json list = Json::array();
  for (const auto& [key, methods] : makers_) {
    list.push_back({{"teacher", std::get<0>(key.first)},
                    {"model", std::get<3>(key.first)},
                    {"vendor", std::get<4>(key.first)},
                    {"licence", std::get<0>(key.second)},
                    {"terms_url", std::get<1>(key.second)},
                    {"terms_checked", std::get<2>(key.second)},
                    {"conditions", std::get<3>(key.second)},
                    {"outputs_may_train", may_train_word(std::get<4>(key.second))},
                    {"pairs", methods}});
  }
  return list;
}

Json Ledger::self_identification() const {
  Json list = Json::array();
  for (const auto& [key, teacher] : teachers_) {
    for (const auto& [vendor, evidence] : teacher.named) {
      list.push_back({{"teacher", std::get<0>(key)},
                      {"model", std::get<3>(key)},
                      {"expected", teacher.vendors},
                      {"named", vendor},
                      {"pairs", evidence.pairs},
                      {"contradicting", evidence.contradicting},
                      {"example", evidence.example}});
    }
  }
  return list;
}

void Ledger::write(Json& manifest) const {
  manifest["frozen_at"] = newest_;
  manifest["pairs"] = pairs();
  manifest["digest"] = {{"algorithm", "retort-chain-sha256"}, {"value", digest()}};
  manifest["merkle"] = merkle_.summary();
  manifest["terms"] = {{"strictest", strictest()}};
  manifest["sources"] = sources();
  if (!makers_.empty()) manifest["prompt_makers"] = makers();
  manifest["audit"] = {{"self_identification", self_identification()},
                       {"contradicting_pairs", contradicting_},
                       {"pairs_without_right", barred_},
                       {"refusals", refusals_},
                       {"served_model_differs", served_differs_},
                       {"finish", finish_}};
  manifest["usage"] = {{"input_tokens", count_or_null(usage_.input)},
                       {"output_tokens", count_or_null(usage_.output)},
                       {"cached_input_tokens", count_or_null(usage_.cached_input)},
                       {"reasoning_tokens", count_or_null(usage_.reasoning)},
                       {"pairs_without_usage", without_usage_},
                       {"cost_usd", cost_.dollars()}};
  const bool any = pairs() > 0;
  manifest["obtained"] = {{"first", any ? Json(to_iso8601(first_)) : Json(nullptr)},
                          {"last", any ? Json(to_iso8601(last_)) : Json(nullptr)}};
}

}  // namespace retort
