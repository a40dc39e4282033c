// The stages that recipes name, from their options. docs/recipes.md describes each.
#pragma once

#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "core/curate/pipeline/pipeline.h"
#include "core/grade/make_grader.h"

namespace retort {

struct StageInfo {
  std::string name;
  std::string what;  ///< one line
};
/// All there are, by name.
std::vector<StageInfo> stage_catalogue();

/// Options of one stage: a value by name, with a default, each taken once. What is left at the end was misspelt.
class StageOptions {
 public:
  explicit StageOptions(Json options) : options_(std::move(options)) {}
  double number(const char* key, double otherwise);
  bool flag(const char* key, bool otherwise);
  std::string text(const char* key, std::string otherwise);
  std::vector<std::string> texts(const char* key, std::vector<std::string> otherwise);
  /// Errc::usage about the first option that has the wrong type or is not known.
  Result<void> finish() const;

 private:
  const Json* take(const char* key);
  void wrong(const char* key, const char* wanted);
  Json options_;
  std::string problem_;
};

/// `options` is a table of a recipe: {"stage": name, …}. Errc::usage says which option is wrong, or lists the stages.
Result<Pipeline::Stage> make_stage(const Json& options, const GraderTools& tools);

/// The standard audits, in the order of a table, as stages that look and drop nothing. Their labels are those of the
/// stages of the same name that do.
std::vector<std::unique_ptr<RowStage>> make_looking_stages();

// By kind; nothing if the name is none of theirs.
using MadeStage = std::optional<Result<Pipeline::Stage>>;
MadeStage make_row_stage(const std::string& name, StageOptions& options, const GraderTools& tools);
MadeStage make_set_stage(const std::string& name, StageOptions& options, const GraderTools& tools);
MadeStage make_dedupe_stage(const std::string& name, StageOptions& options, const GraderTools& tools);
MadeStage make_audit_stage(const std::string& name, StageOptions& options, const GraderTools& tools);
std::vector<StageInfo> audit_stage_catalogue();
std::vector<StageInfo> dedupe_stage_catalogue();
std::vector<StageInfo> row_stage_catalogue();
std::vector<StageInfo> set_stage_catalogue();

}  // namespace retort
