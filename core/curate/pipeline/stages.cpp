#include "core/curate/pipeline/stages.h"

#include <algorithm>

namespace retort {

const Json* StageOptions::take(const char* key) {
  const auto found = options_.find(key);
  return found == options_.end() ? nullptr : &*found;
}

void StageOptions::wrong(const char* key, const char* wanted) {
  if (problem_.empty()) problem_ = std::string("'") + key + "' must be " + wanted;
}

double StageOptions::number(const char* key, double otherwise) {
  const Json* value = take(key);
  if (value == nullptr) return otherwise;
  const double number = value->is_number() ? value->get<double>() : otherwise;
  if (!value->is_number()) wrong(key, "a number");
  options_.erase(key);
  return number;
}

bool StageOptions::flag(const char* key, bool otherwise) {
  const Json* value = take(key);
  if (value == nullptr) return otherwise;
  const bool flag = value->is_boolean() ? value->get<bool>() : otherwise;
  if (!value->is_boolean()) wrong(key, "true or false");
  options_.erase(key);
  return flag;
}

std::string StageOptions::text(const char* key, std::string otherwise) {
  const Json* value = take(key);
  if (value == nullptr) return otherwise;
  std::string text = value->is_string() ? value->get<std::string>() : otherwise;
  if (!value->is_string()) wrong(key, "text in quotes");
  options_.erase(key);
  return text;
}

std::vector<std::string> StageOptions::texts(const char* key, std::vector<std::string> otherwise) {
  const Json* value = take(key);
  if (value == nullptr) return otherwise;
  std::vector<std::string> texts;
  if (!value->is_array()) wrong(key, "a list of texts");
  for (const Json& item : *value) {
    if (item.is_string())
      texts.push_back(item.get<std::string>());
    else
      wrong(key, "a list of texts");
  }
  options_.erase(key);
  return texts;
}

Result<void> StageOptions::finish() const {
  if (!problem_.empty()) return fail(Errc::usage, problem_);
  for (const auto& [key, value] : options_.items()) {
    if (key != "stage") return fail(Errc::usage, "unknown option '" + key + "'");
  }
  return {};
}

std::vector<StageInfo> stage_catalogue() {
  std::vector<StageInfo> all = row_stage_catalogue();
  for (StageInfo& info : set_stage_catalogue()) all.push_back(std::move(info));
  for (StageInfo& info : dedupe_stage_catalogue()) all.push_back(std::move(info));
  for (StageInfo& info : audit_stage_catalogue()) all.push_back(std::move(info));
  std::sort(all.begin(), all.end(), [](const StageInfo& a, const StageInfo& b) { return a.name < b.name; });
  return all;
}

Result<Pipeline::Stage> make_stage(const Json& options, const GraderTools& tools) {
  const std::string name = json_text(options, "stage");
  StageOptions left(options);
  MadeStage made = make_row_stage(name, left, tools);
  if (!made) made = make_set_stage(name, left, tools);
  if (!made) made = make_dedupe_stage(name, left, tools);
  if (!made) made = make_audit_stage(name, left, tools);
  if (!made) {
    std::string known;
    for (const StageInfo& info : stage_catalogue()) known += (known.empty() ? "" : ", ") + info.name;
    return fail(Errc::usage, (name.empty() ? std::string("a stage has no name: write stage = \"…\"")
                                           : "unknown stage '" + name + "'") +
                                 "; there are " + known);
  }
  if (!*made) return fail((*made).error().code, "stage '" + name + "': " + (*made).error().message);
  if (auto done = left.finish(); !done) return fail(Errc::usage, "stage '" + name + "': " + done.error().message);
  return std::move(*made);
}

}  // namespace retort
