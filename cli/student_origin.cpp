#include "cli/student_origin.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include "core/base/hash.h"
#include "core/weights/mapped_file.h"
#include "core/weights/pretrained.h"

namespace retort {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> weights_of(const std::string& student) {
  if (!fs::is_directory(student)) return {student};
  std::vector<fs::path> files;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(student, ignored)) {
    if (entry.path().extension() == ".safetensors") files.push_back(entry.path());
  }
  return files;
}

// The words of terms.strictest, the strictest first.
int rank_of(const std::string& may_train) { return may_train == "no" ? 0 : may_train == "unknown" ? 1 : 2; }

void join(Json& into, const Json& more) {
  std::set<Json> all(into.begin(), into.end());
  all.insert(more.begin(), more.end());
  into = all;
}

}  // namespace

Result<Json> origin_of_student(const std::string& student) {
  Json digests = Json::object();
  for (const fs::path& path : weights_of(student)) {
    const auto file = MappedFile::open(path);
    if (!file) return fail(file.error());
    digests[path.filename()] = sha256_hex((*file)->bytes());
  }
  const auto model = open_pretrained(student);
  if (!model) return fail(model.error());
  Json manifest;
  if (const std::string text = manifest_of(student, *model); !text.empty()) {
    auto parsed = parse_json(text);
    if (!parsed || !parsed->is_object())
      return fail(Errc::usage, student + ": its manifest is damaged, and what it was trained on must stay known");
    manifest = std::move(*parsed);
  }
  return Json{{"model", student}, {"sha256", std::move(digests)}, {"manifest", std::move(manifest)}};
}

void add_origin(Json& manifest, Json base) {
  const Json& theirs = json_child(json_child(json_child(base, "manifest"), "terms"), "strictest");
  if (theirs.is_object()) {
    Json& ours = manifest["terms"]["strictest"];
    const std::string may_train = json_text(theirs, "outputs_may_train");
    if (rank_of(may_train) < rank_of(json_text(ours, "outputs_may_train"))) ours["outputs_may_train"] = may_train;
    join(ours["conditions"], json_child(theirs, "conditions"));
    join(ours["licences"], json_child(theirs, "licences"));
  }
  manifest["base"] = std::move(base);
}

}  // namespace retort
