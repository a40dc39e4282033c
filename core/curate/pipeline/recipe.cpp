#include "core/curate/pipeline/recipe.h"

#include <algorithm>

#include "core/base/hash.h"

namespace retort {
namespace {

constexpr std::size_t kEntriesPerTransaction = 5000;

Result<void> known_keys(const Json& table, const std::vector<std::string>& keys, const std::string& where) {
  if (!table.is_object()) return fail(Errc::usage, where + " must be a table");
  for (const auto& [key, value] : table.items()) {
    if (std::find(keys.begin(), keys.end(), key) == keys.end())
      return fail(Errc::usage, where + " has an unknown key '" + key + "'");
  }
  return {};
}

Result<double> share(const Json& table, const char* key) {
  const auto found = table.find(key);
  if (found == table.end()) return 0.0;
  if (found->is_number() && *found >= 0 && *found < 1) return found->get<double>();
  return fail(Errc::usage, std::string("[split] '") + key + "' must be a share from 0 to below 1");
}

// Verified samples with failed ones of the same prompt, in the order of the corpus.
std::vector<std::pair<Survivor, Survivor>> preference_pairs(const PipelineResult& result, int per_prompt) {
  std::unordered_map<RowId, std::vector<const Survivor*>> wrong;
  for (const Survivor& one : result.wrong) wrong[one.prompt].push_back(&one);
  std::unordered_map<RowId, std::size_t> used;
  std::vector<std::pair<Survivor, Survivor>> pairs;
  for (const Survivor& chosen : result.kept) {
    const auto found = wrong.find(chosen.prompt);
    if (found == wrong.end()) continue;
    std::size_t& count = used[chosen.prompt];
    if (count >= found->second.size() || count >= static_cast<std::size_t>(per_prompt)) continue;
    pairs.emplace_back(chosen, *found->second[count++]);
  }
  return pairs;
}

/// The digest of a view: a chain over its places, begun with the recipe.
class ViewDigest {
 public:
  explicit ViewDigest(const Recipe& recipe) : link_(sha256_hex(canonical_json(to_json(recipe)))) {}
  void add(const Survivor& chosen, const Survivor* rejected, const std::string& part) {
    link_ = sha256_hex(link_ + std::string(chosen.digest()) + (rejected ? std::string(rejected->digest()) : "") + part);
  }
  const std::string& hex() const { return link_; }

 private:
  std::string link_;
};

/// Writes places in transactions of a size.
class ViewWriter {
 public:
  ViewWriter(CurationLog& log, RowId view, const Recipe& recipe, ViewRecord& record)
      : log_(log), view_(view), recipe_(recipe), record_(record), digest_(recipe) {}

  Result<void> add(const Survivor& chosen, const Survivor* rejected) {
    const std::string part = part_of(recipe_, chosen.prompt_hash);
    digest_.add(chosen, rejected, part);
    ++record_.pairs;
    ++record_.parts[part];
    entries_.push_back({chosen.response, rejected ? rejected->response : 0, part});
    return entries_.size() < kEntriesPerTransaction ? Result<void>() : flush();
  }
  Result<void> finish() {
    record_.digest = digest_.hex();
    return flush();
  }

 private:
  Result<void> flush() {
    if (entries_.empty()) return {};
    const auto first = record_.pairs - static_cast<std::int64_t>(entries_.size()) + 1;
    auto done = log_.add(view_, first, entries_);
    entries_.clear();
    return done;
  }

  CurationLog& log_;
  const RowId view_;
  const Recipe& recipe_;
  ViewRecord& record_;
  ViewDigest digest_;
  std::vector<ViewEntry> entries_;
};

}  // namespace

Result<Recipe> recipe_of(const Json& table) {
  if (auto known = known_keys(table, {"name", "about", "source", "stage", "split", "preference"}, "the recipe"); !known)
    return fail(known.error());
  Recipe recipe;
  recipe.name = json_text(table, "name");
  recipe.about = json_text(table, "about");
  recipe.source = json_text(table, "source");
  if (recipe.name.empty()) return fail(Errc::usage, "the recipe has no name: write name = \"…\"");
  if (recipe.name == "all") return fail(Errc::usage, "'all' is the view of everything: give the recipe another name");
  for (const Json& stage : table.value("stage", Json::array())) {
    if (!stage.is_object()) return fail(Errc::usage, "write each stage as [[stage]]");
    recipe.stages.push_back(stage);
  }
  if (table.contains("split")) {
    const Json& split = table["split"];
    if (auto known = known_keys(split, {"validation", "test", "salt"}, "[split]"); !known) return fail(known.error());
    const auto validation = share(split, "validation"), test = share(split, "test");
    if (!validation) return fail(validation.error());
    if (!test) return fail(test.error());
    recipe.validation = *validation;
    recipe.test = *test;
    recipe.salt = json_text(split, "salt");
    if (recipe.validation + recipe.test >= 1) return fail(Errc::usage, "[split] leaves nothing to train on");
  }
  if (table.contains("preference")) {
    const Json& preference = table["preference"];
    if (auto known = known_keys(preference, {"per_prompt"}, "[preference]"); !known) return fail(known.error());
    const std::int64_t count = preference.contains("per_prompt") ? json_count(preference, "per_prompt").value_or(0) : 1;
    if (count < 1) return fail(Errc::usage, "[preference] 'per_prompt' must be a whole number above 0");
    recipe.preference = static_cast<int>(std::min<std::int64_t>(count, 1'000'000));
  }
  return recipe;
}

Json to_json(const Recipe& recipe) {
  Json json = {{"stage", recipe.stages},
               {"split", {{"validation", recipe.validation}, {"test", recipe.test}, {"salt", recipe.salt}}}};
  if (recipe.preference > 0) json["preference"] = {{"per_prompt", recipe.preference}};
  return json;
}

Result<Pipeline> make_pipeline(const Recipe& recipe, const GraderTools& tools) {
  Pipeline pipeline;
  bool verifies = false;
  for (const Json& options : recipe.stages) {
    auto stage = make_stage(options, tools);
    if (!stage) return fail(stage.error());
    if (json_text(options, "stage") == "difficulty" && !verifies)
      return fail(Errc::usage, "stage 'difficulty' goes by pass rates: put a stage that verifies before it");
    if (auto* row = std::get_if<std::unique_ptr<RowStage>>(&*stage)) verifies = verifies || (*row)->verifies();
    pipeline.stages().push_back(std::move(*stage));
  }
  if (recipe.preference > 0 && !verifies)
    return fail(Errc::usage, "preference pairs need a stage that verifies: add [[stage]] stage = \"verify\"");
  return pipeline;
}

std::string part_of(const Recipe& recipe, std::uint64_t prompt_hash) {
  if (recipe.validation + recipe.test <= 0) return "train";
  std::uint64_t hash = prompt_hash;
  if (!recipe.salt.empty())
    hash = std::strtoull(sha256_hex(recipe.salt + std::to_string(prompt_hash)).substr(0, 16).c_str(), nullptr, 16);
  const double at = static_cast<double>(hash >> 11) * 0x1.0p-53;
  return at < recipe.validation ? "validation" : at < recipe.validation + recipe.test ? "test" : "train";
}

Result<CurateOutcome> curate(CorpusReader& reader, CurationLog& log, const Recipe& recipe, Pipeline& pipeline,
                             CurateSettings settings) {
  CurateOutcome outcome;
  ViewRecord& record = outcome.view;
  record.name = settings.view;
  record.recipe = to_json(recipe);
  record.recipe["name"] = recipe.name;
  record.frozen_at = settings.pipeline.frozen_at;
  settings.pipeline.keep_wrong = recipe.preference > 0;
  const auto before = reader.view(record.name);
  if (!before) return fail(before.error());
  const auto id = log.begin_view(record);
  if (!id) return fail(id.error());
  auto result = run_pipeline(reader, log, *id, pipeline, settings.pipeline);
  if (!result) return fail(result.error());

  ViewWriter writer(log, *id, recipe, record);
  if (recipe.preference > 0) {
    const auto pairs = preference_pairs(*result, recipe.preference);
    for (const auto& [chosen, rejected] : pairs) {
      if (auto done = writer.add(chosen, &rejected); !done) return fail(done.error());
    }
    FunnelLine line{"preference", static_cast<std::int64_t>(result->kept.size()), record.pairs, {}};
    if (line.in > line.out) line.dropped["no failed sample of this prompt is left"] = line.in - line.out;
    result->funnel.push_back(line);
  } else {
    for (const Survivor& survivor : result->kept) {
      if (auto done = writer.add(survivor, nullptr); !done) return fail(done.error());
    }
  }
  if (auto done = writer.finish(); !done) return fail(done.error());
  record.funnel = to_json(result->funnel);
  outcome.result = std::move(*result);
  if (*before && (*before)->digest == record.digest && (*before)->funnel == record.funnel) {
    outcome.unchanged = true;
    record = **before;
    if (auto done = log.clear_unfinished_views(); !done) return fail(done.error());
    return outcome;
  }
  if (auto done = log.end_view(*id, record); !done) return fail(done.error());
  record.id = *id;
  return outcome;
}

}  // namespace retort
