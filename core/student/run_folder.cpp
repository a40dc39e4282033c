#include "core/student/run_folder.h"

#include <malloc.h>
#include <sched.h>

#include <mutex>

#include "core/student/files.h"
#include "core/student/safetensors.h"

namespace retort {
namespace {

constexpr const char* kWeights = "/model.safetensors";

int usable_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}

Result<void> copy_weights(const SafetensorsFile& file, const Model& model, const std::string& path) {
  at::NoGradGuard no_gradients;
  std::size_t used = 0;
  for (const NamedTensor& named : model.named()) {
    const auto found = file.tensors().find(named.name);
    if (found == file.tensors().end()) return fail(Errc::usage, path + " lacks " + named.name);
    if (at::IntArrayRef(found->second.shape) != named.tensor.sizes())
      return fail(Errc::usage, path + ": " + named.name + " has another shape than config.json says");
    const at::Tensor values = at::empty(named.tensor.sizes(), at::kFloat);
    file.copy(found->second, values.data_ptr<float>());
    named.tensor.copy_(values);
    ++used;
  }
  if (used != file.tensors().size())
    return fail(Errc::usage, path + " has tensors that this kind of student does not know");
  return {};
}

}  // namespace

Result<LoadedRun> load_run(const std::string& folder, at::Device device) {
  const auto text = read_file(folder + "/config.json");
  if (!text) return fail(Errc::usage, folder + " is no trained run: " + text.error().message);
  const auto config = config_from_json(*text);
  if (!config) return fail(Errc::usage, folder + "/" + config.error().message);
  auto chat = load_chat_tokenizer(folder);
  if (!chat) return fail(chat.error());
  if (static_cast<std::int64_t>(chat->tokenizer().vocabulary_size()) > config->vocabulary) {
    return fail(Errc::usage, folder + ": tokenizer.json has more tokens than config.json");
  }
  const std::string path = folder + kWeights;
  const auto file = SafetensorsFile::read(path);
  if (!file) return fail(file.error().code, file.error().message + " (a run has weights once its training ended)");
  LoadedRun run{std::make_unique<Model>(*config, device), std::make_unique<ChatTokenizer>(std::move(*chat))};
  if (auto copied = copy_weights(*file, *run.model, path); !copied) return fail(copied.error());
  return run;
}

Result<void> save_description(const std::string& folder, const ModelConfig& config, const ChatTokenizer& chat) {
  const Json generation = {{"eos_token_id", config.end_token}, {"pad_token_id", config.end_token}};
  for (const auto& [name, text] :
       {std::pair{"/config.json", config_to_json(config)}, std::pair{"/tokenizer.json", chat.tokenizer().to_json()},
        std::pair{"/tokenizer_config.json", tokenizer_config_json(static_cast<std::size_t>(config.context))},
        std::pair{"/generation_config.json", generation.dump(2) + "\n"}}) {
    if (auto written = replace_file(folder + name, text); !written) return written;
  }
  return {};
}

Result<void> save_weights(const std::string& folder, const Model& model) {
  std::vector<at::Tensor> held;
  std::vector<TensorToStore> tensors;
  for (const NamedTensor& named : model.named()) {
    held.push_back(named.tensor.to(at::kCPU).contiguous());
    tensors.push_back({named.name, held.back().sizes().vec(), held.back().data_ptr<float>()});
  }
  return replace_file(folder + kWeights, to_safetensors(tensors));
}

Result<ChatTokenizer> load_chat_tokenizer(const std::string& folder) {
  const auto text = read_file(folder + "/tokenizer.json");
  if (!text) return fail(text.error());
  auto tokenizer = BpeTokenizer::from_json(*text);
  if (!tokenizer) return fail(Errc::usage, folder + "/" + tokenizer.error().message);
  auto chat = ChatTokenizer::create(std::move(*tokenizer));
  if (!chat) return fail(Errc::usage, folder + "/tokenizer.json: " + chat.error().message);
  return chat;
}

Result<at::Device> choose_device(const std::string& word) {
  if (word == "cpu") return at::Device(at::kCPU);
  if (torch::cuda::is_available()) return at::Device(at::kCUDA, 0);
  if (word == "auto") return at::Device(at::kCPU);
  return fail(Errc::usage,
              "--device cuda: this libtorch finds no CUDA device; use --device cpu, or build against a torch with CUDA "
              "(RETORT_TORCH)");
}

void prepare_process() {
  static std::once_flag once;
  std::call_once(once, [] {
    at::set_num_threads(usable_cores());
    // Tensors of some megabytes come and go at every step; giving them back to the system costs an eighth of the time.
    // The first value is the largest that glibc takes.
    mallopt(M_MMAP_THRESHOLD, 32 << 20);
    mallopt(M_TRIM_THRESHOLD, 1 << 30);
    mallopt(M_TOP_PAD, 64 << 20);
  });
}

}  // namespace retort
