// A recipe orders stages and chooses; with a corpus it gives a view. The same recipe over the same responses gives the
// same view, digest and all.
#pragma once

#include <string>

#include "core/corpus/corpus.h"
#include "core/curate/pipeline/stages.h"

namespace retort {

struct Recipe {
  std::string name, about, source;  ///< source: where the method comes from
  std::vector<Json> stages;         ///< options of each, "stage" being its name
  double validation = 0, test = 0;  ///< shares of the prompts
  std::string salt;                 ///< another one splits otherwise
  int preference = 0;               ///< pairs of verified and failed samples, at most so many a prompt; 0: no pairs
};

/// From a table {name, about, source, stage: […], split: {validation, test, salt}, preference: {per_prompt}}.
/// Errc::usage names what is wrong.
Result<Recipe> recipe_of(const Json& table);
/// What shapes the view, without name, about and source.
Json to_json(const Recipe& recipe);
Result<Pipeline> make_pipeline(const Recipe& recipe, const GraderTools& tools);

/// "train", "validation" or "test": told from the prompt alone, so that no prompt straddles.
std::string part_of(const Recipe& recipe, std::uint64_t prompt_hash);

struct CurateSettings {
  PipelineSettings pipeline;
  std::string view;  ///< its name
};

struct CurateOutcome {
  ViewRecord view;
  PipelineResult result;
  bool unchanged = false;  ///< the newest view of that name has the same digest: it stands, none was added
};

/// Runs the pipeline and stores the view.
Result<CurateOutcome> curate(CorpusReader& reader, CurationLog& log, const Recipe& recipe, Pipeline& pipeline,
                             CurateSettings settings);

}  // namespace retort
