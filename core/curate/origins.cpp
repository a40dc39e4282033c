#include "core/curate/origins.h"

#include <set>

#include "core/base/hash.h"

namespace retort {
namespace {

constexpr std::size_t kAncestorsMax = 10'000;  // a lineage that long is one made by hand

bool same(const Maker& a, const Maker& b) {
  return a.teacher.name == b.teacher.name && a.teacher.model == b.teacher.model && a.made.method == b.made.method;
}

/// What a row says of itself, beyond what the corpus knows.
void add_stated(const Json& made, std::vector<Maker>& makers) {
  const Json& stated = json_child(made, "makers");
  for (std::size_t i = 0; stated.is_array() && i < stated.size(); ++i) {
    Maker maker;
    maker.made.digest = json_text(made, "digest");
    maker.made.method = json_text(stated[i], "method");
    maker.teacher.name = json_text(stated[i], "teacher");
    maker.teacher.dialect = json_text(stated[i], "dialect");
    maker.teacher.base_url = json_text(stated[i], "base_url");
    maker.teacher.model = json_text(stated[i], "model");
    maker.teacher.vendor = json_text(stated[i], "vendor");
    maker.rights = terms_from_json(json_child(stated[i], "terms"));
    bool known = false;
    for (const Maker& other : makers) known = known || same(other, maker);
    if (!known) makers.push_back(std::move(maker));
  }
}

}  // namespace

std::string prompt_text_digest(std::string_view text) { return sha256_hex(text); }

std::vector<std::string> user_texts(const Json& messages) {
  std::vector<std::string> texts;
  for (std::size_t i = 0; messages.is_array() && i < messages.size(); ++i) {
    if (json_text(messages[i], "role") != "user") continue;
    if (std::string text = json_text(messages[i], "content"); !text.empty()) texts.push_back(std::move(text));
    const Json& content = json_child(messages[i], "content");
    for (std::size_t k = 0; content.is_array() && k < content.size(); ++k) {
      if (std::string text = json_text(content[k], "text"); !text.empty()) texts.push_back(std::move(text));
    }
  }
  return texts;
}

Result<std::vector<Maker>> makers_of(CorpusReader& reader, const Json& messages, const Json& metadata) {
  std::vector<std::string> open;
  for (const std::string& text : user_texts(messages)) open.push_back(prompt_text_digest(text));
  const Json& made = json_child(metadata, "made");
  const bool stated = made.is_object() && json_child(made, "makers").is_array();
  if (stated) open.push_back(json_text(made, "digest"));
  std::vector<Maker> makers;
  std::set<std::string> seen;
  std::set<RowId> responses;
  while (!open.empty() && seen.size() < kAncestorsMax) {
    const std::string digest = std::move(open.back());
    open.pop_back();
    if (!seen.insert(digest).second) continue;
    auto found = reader.makers_of(digest);
    if (!found) return fail(found.error());
    for (Maker& maker : *found) {
      open.insert(open.end(), maker.made.parents.begin(), maker.made.parents.end());
      if (responses.insert(maker.made.response).second) makers.push_back(std::move(maker));
    }
  }
  if (stated) add_stated(made, makers);
  return makers;
}

Json terms_json(const Terms& terms) {
  Json json = {{"licence", terms.licence},
               {"terms_url", terms.terms_url},
               {"terms_checked", terms.terms_checked},
               {"conditions", terms.conditions},
               {"outputs_may_train", nullptr}};
  if (terms.outputs_may_train) json["outputs_may_train"] = *terms.outputs_may_train;
  return json;
}

Terms terms_from_json(const Json& json) {
  Terms terms;
  terms.licence = json_text(json, "licence");
  terms.terms_url = json_text(json, "terms_url");
  terms.terms_checked = json_text(json, "terms_checked");
  const Json& conditions = json_child(json, "conditions");
  for (std::size_t i = 0; conditions.is_array() && i < conditions.size(); ++i) {
    if (conditions[i].is_string()) terms.conditions.push_back(conditions[i].get<std::string>());
  }
  const auto may = json.find("outputs_may_train");
  if (may != json.end() && may->is_boolean()) terms.outputs_may_train = may->get<bool>();
  return terms;
}

}  // namespace retort
