// Models that exist: tiny random checkpoints made by transformers, against the logits that it computes; and the reasons
// for which a checkpoint is refused. tests/references/student_reference.py makes what is expected here.
#include <cmath>
#include <cstdlib>
#include <fstream>

#include "core/base/files.h"
#include "core/base/json.h"
#include "core/student/weights.h"
#include "core/weights/safetensors.h"
#include "tests/student/support.h"

using namespace retort;
namespace fs = std::filesystem;

namespace {

const std::string kCheckpoints = RETORT_SOURCE_DIR "/tests/student/checkpoints/";

Json json_of(const std::string& path) {
  const auto text = read_file(path);
  REQUIRE_OK(text);
  auto json = parse_json(*text);
  REQUIRE_OK(json);
  return *json;
}

// The largest difference, in parts of the largest logit.
double difference(const Pretrained& from, const std::vector<std::int64_t>& tokens, const std::vector<float>& wanted) {
  Model model(from.config, at::kCPU);
  load_weights(from.tensors, model);
  at::NoGradGuard no_gradients;
  const at::Tensor logits = model.logits(model.hidden(at::tensor(tokens, at::kLong).unsqueeze(0))[0]);
  const at::Tensor expected = at::tensor(wanted).view(logits.sizes());
  return ((logits - expected).abs().max() / expected.abs().max()).item<double>();
}

std::string refusal(const std::string& path) {
  const auto opened = open_pretrained(path);
  return opened ? std::string() : opened.error().message;
}

// A copy of a checkpoint that may be spoilt.
std::string copy_of(const TemporaryFolder& folder, const std::string& name) {
  fs::copy(kCheckpoints + name, folder.path + "/" + name);
  return folder.path + "/" + name;
}

void set_in_config(const std::string& folder, const char* key, Json value) {
  Json config = json_of(folder + "/config.json");
  config[key] = std::move(value);
  std::ofstream(folder + "/config.json") << config.dump();
}

}  // namespace

TEST_CASE("checkpoints of the three families give the logits of transformers") {
  for (const char* name : {"llama", "qwen2", "qwen3"}) {
    INFO(name);
    const auto opened = open_pretrained(kCheckpoints + name);
    REQUIRE_OK(opened);
    const Json expected = json_of(kCheckpoints + name + "/logits.json");
    CHECK(difference(*opened, expected["tokens"].get<std::vector<std::int64_t>>(),
                     expected["logits"].get<std::vector<float>>()) < 1e-5);
    CHECK(*config_from_json(config_to_json(opened->config)) == opened->config);
  }
}

// RETORT_LARGE_MODEL: a folder or .gguf; beside it tokens.json (ids) and logits.f32 (numbers as transformers gives
// them), in the folder RETORT_LARGE_MODEL_LOGITS.
TEST_CASE("a large model gives the logits of transformers", "[.large]") {
  const char *path = std::getenv("RETORT_LARGE_MODEL"), *beside = std::getenv("RETORT_LARGE_MODEL_LOGITS");
  REQUIRE((path != nullptr && beside != nullptr));
  const auto opened = open_pretrained(path);
  REQUIRE_OK(opened);
  const auto bytes = read_file(std::string(beside) + "/logits.f32");
  REQUIRE_OK(bytes);
  std::vector<float> wanted(bytes->size() / sizeof(float));
  std::memcpy(wanted.data(), bytes->data(), bytes->size());
  const auto tokens = json_of(std::string(beside) + "/tokens.json").get<std::vector<std::int64_t>>();
  const double found = difference(*opened, tokens, wanted);
  WARN("largest difference, in parts of the largest logit: " << found);
  CHECK(found < 1e-4);
}

TEST_CASE("weights that were saved come back") {
  const auto opened = open_pretrained(kCheckpoints + "qwen3");
  REQUIRE_OK(opened);
  Model model(opened->config, at::kCPU);
  load_weights(opened->tensors, model);
  TemporaryFolder folder;
  REQUIRE_OK(save_weights(folder.path, model, ""));
  REQUIRE_OK(replace_file(folder.path + "/config.json", config_to_json(opened->config)));
  const auto again = open_pretrained(folder.path);
  REQUIRE_OK(again);
  Model copy(again->config, at::kCPU);
  load_weights(again->tensors, copy);
  CHECK(at::equal(model.parameters(), copy.parameters()));
}

TEST_CASE("what is missing, surplus or of another kind is named") {
  TemporaryFolder folder;
  const std::string path = copy_of(folder, "llama");
  const std::string shard = path + "/model-00001-of-00002.safetensors";
  const auto whole = read_file(shard);
  REQUIRE_OK(whole);
  CHECK(refusal(path).empty());
  fs::remove(shard);
  CHECK(refusal(path).find("model-00001-of-00002.safetensors") != std::string::npos);
  std::ofstream(shard, std::ios::binary) << whole->substr(0, 100);
  CHECK(refusal(path).find("header is longer than the file") != std::string::npos);
  std::ofstream(shard, std::ios::binary) << *whole;
  set_in_config(path, "num_hidden_layers", 3);
  CHECK(refusal(path).find("lacks the tensor model.layers.2.") != std::string::npos);
  set_in_config(path, "num_hidden_layers", 1);
  CHECK(refusal(path).find("does not have: model.layers.1.") != std::string::npos);
  set_in_config(path, "num_hidden_layers", 2);
  set_in_config(path, "intermediate_size", 32);
  CHECK(refusal(path).find("has shape [24, 16] where the configuration wants [32, 16]") != std::string::npos);
  set_in_config(path, "intermediate_size", 24);
  set_in_config(path, "rope_parameters", {{"rope_type", "dynamic"}, {"factor", 2}});
  CHECK(refusal(path).find("'dynamic' is not computed") != std::string::npos);
  set_in_config(path, "model_type", "mamba");
  CHECK(refusal(path).find("'mamba' is not known") != std::string::npos);
  CHECK(refusal(folder.path + "/nothing").find("no model folder") != std::string::npos);
}

TEST_CASE("frequencies of rotary positions follow their scalings") {
  ModelConfig config = tiny_config();
  config.head_width = 8;
  const auto plain = rope_frequencies(config).per_pair;
  config.rope = {RopeScaling::Kind::linear, 4};
  for (std::size_t i = 0; i < plain.size(); ++i)
    CHECK(std::abs(rope_frequencies(config).per_pair[i] - plain[i] / 4) < 1e-15);
  config.rope = {RopeScaling::Kind::llama3, 8, 8192, 1, 4};
  const auto llama = rope_frequencies(config).per_pair;
  CHECK(llama[0] == plain[0]);  // turns often within the original context: stays
  config.rope = {RopeScaling::Kind::yarn, 4, 16};
  CHECK(std::abs(rope_frequencies(config).magnitude - (1 + 0.1 * std::log(4.0))) < 1e-12);
}
