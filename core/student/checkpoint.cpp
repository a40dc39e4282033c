#include "core/student/checkpoint.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "core/base/files.h"
#include "core/base/hash.h"
#include "core/weights/safetensors.h"

namespace retort {
namespace {

namespace fs = std::filesystem;

constexpr int kKept = 2;
constexpr int kFormat = 1;
constexpr const char* kState = "state.json";
constexpr const char* kTensors = "tensors.safetensors";
constexpr std::string_view kPrefix = "step-";
constexpr std::string_view kUnfinished = ".unfinished";

std::string name_of(std::int64_t step) {
  char name[32];
  std::snprintf(name, sizeof name, "step-%08lld", static_cast<long long>(step));
  return name;
}

// Finished ones, ascending: names are padded, so text order is step order.
std::vector<std::string> finished(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with(kPrefix) && name.find('.') == std::string::npos) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

// The newest stay; what a crash left unfinished, of whatever step, goes.
void prune(const std::string& folder) {
  std::error_code error;
  const std::vector<std::string> names = finished(folder);
  for (std::size_t i = 0; i + kKept < names.size(); ++i) fs::remove_all(folder + "/" + names[i], error);
  std::vector<fs::path> torn;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (entry.path().extension() == kUnfinished) torn.push_back(entry.path());
  }
  for (const fs::path& path : torn) fs::remove_all(path, error);
}

Failure damaged(const std::string& path, const std::string& what) {
  return fail(Errc::usage,
              "checkpoint " + path + " is damaged (" + what + "); remove that folder to go on from the one before it");
}

Result<std::vector<float>> tensor_of(const TensorMap& tensors, const std::string& name, const std::string& path) {
  const auto found = tensors.find(name);
  if (found == tensors.end() || found->second.shape.size() != 1) return damaged(path, "no tensor " + name);
  std::vector<float> values(found->second.count());
  read_floats(found->second, values.data());
  return values;
}

}  // namespace

Result<void> save_checkpoint(const std::string& folder, const Checkpoint& checkpoint) {
  const std::string final_path = folder + "/" + name_of(checkpoint.step);
  const std::string path = final_path + std::string(kUnfinished);
  std::error_code error;
  fs::remove_all(path, error);
  if (auto made = make_folder(path); !made) return made;
  const auto flat = [](const char* name, const std::vector<float>& values) {
    return TensorToWrite{name, {static_cast<std::int64_t>(values.size())}, Numbers::f32, [&values](float* out) {
                           std::copy(values.begin(), values.end(), out);
                         }};
  };
  std::string tensors;
  const auto collected =
      write_safetensors({flat("parameters", checkpoint.parameters), flat("first_moment", checkpoint.first_moment),
                         flat("second_moment", checkpoint.second_moment)},
                        [&](std::string_view bytes) -> Result<void> {
                          tensors += bytes;
                          return {};
                        });
  RETORT_ASSERT(collected.has_value());
  const Json state = {{"format", kFormat},
                      {"step", checkpoint.step},
                      {"optimizer_steps", checkpoint.optimizer_steps},
                      {"state", checkpoint.state},
                      {"state_sha256", sha256_hex(canonical_json(checkpoint.state))},
                      {"tensors_sha256", sha256_hex(tensors)}};
  if (auto written = write_durable(path + "/" + kTensors, tensors); !written) return written;
  if (auto written = write_durable(path + "/" + kState, state.dump(1) + "\n"); !written) return written;
  if (auto synced = sync_folder(path); !synced) return synced;
  fs::remove_all(final_path, error);  // the same step, saved before a resume repeated it
  fs::rename(path, final_path, error);
  if (error) return fail(Errc::disk, "cannot rename to " + final_path + ": " + error.message());
  if (auto synced = sync_folder(folder); !synced) return synced;
  prune(folder);
  return {};
}

bool has_checkpoint(const std::string& folder) { return !finished(folder).empty(); }

Result<Checkpoint> load_checkpoint(const std::string& folder) {
  const std::vector<std::string> names = finished(folder);
  if (names.empty()) return fail(Errc::usage, "there is no checkpoint in " + folder);
  const std::string path = folder + "/" + names.back();
  const auto text = read_file(path + "/" + kState);
  if (!text) return damaged(path, "no state.json");
  const auto root = parse_json(*text);
  if (!root || !root->is_object()) return damaged(path, "state.json is no JSON");
  if (json_count(*root, "format") != kFormat)
    return fail(Errc::usage, "checkpoint " + path + " is of another version of retort");
  Checkpoint checkpoint;
  const auto step = json_count(*root, "step"), optimizer_steps = json_count(*root, "optimizer_steps");
  checkpoint.state = root->value("state", Json());
  if (!step || !optimizer_steps || name_of(*step) != names.back() ||
      sha256_hex(canonical_json(checkpoint.state)) != json_text(*root, "state_sha256")) {
    return damaged(path, "state.json does not agree with itself");
  }
  checkpoint.step = *step;
  checkpoint.optimizer_steps = *optimizer_steps;
  const auto bytes = read_file(path + "/" + kTensors);
  if (!bytes) return damaged(path, "no tensors");
  if (sha256_hex(*bytes) != json_text(*root, "tensors_sha256"))
    return damaged(path, "the tensors are not those that were written");
  const auto stored = parse_safetensors(*bytes);
  if (!stored) return damaged(path, stored.error().message);
  for (const auto& [name, values] :
       {std::pair{"parameters", &checkpoint.parameters}, std::pair{"first_moment", &checkpoint.first_moment},
        std::pair{"second_moment", &checkpoint.second_moment}}) {
    auto read = tensor_of(*stored, name, path);
    if (!read) return fail(read.error());
    *values = std::move(*read);
  }
  return checkpoint;
}

}  // namespace retort
