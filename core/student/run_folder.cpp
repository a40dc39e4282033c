#include "core/student/run_folder.h"

#include <malloc.h>
#include <sched.h>

#include <mutex>

#include "core/base/files.h"
#include "core/student/weights.h"
#include "core/weights/tokenizer_files.h"

namespace retort {
namespace {

int usable_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}

}  // namespace

Result<LoadedRun> load_run(const std::string& folder, at::Device device) {
  auto model = open_pretrained(folder);
  if (!model) return fail(model.error());
  auto chat = load_chat_tokenizer(folder);
  if (!chat) return fail(chat.error());
  if (static_cast<std::int64_t>(chat->tokenizer().vocabulary_size()) > model->config.vocabulary) {
    return fail(Errc::usage, folder + ": its tokenizer has more tokens than the model");
  }
  LoadedRun run{std::make_unique<Model>(model->config, device), std::make_unique<ChatTokenizer>(std::move(*chat))};
  load_weights(model->tensors, *run.model);
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

Result<ChatTokenizer> load_chat_tokenizer(const std::string& path) {
  const bool gguf = path.ends_with(".gguf");
  std::optional<ModelText> text;
  if (gguf) {
    const auto model = open_pretrained(path);
    if (!model) return fail(model.error());
    auto found = text_of_gguf(*model->gguf);
    if (!found) return fail(Errc::usage, path + ": " + found.error().message);
    text = std::move(*found);
  } else {
    auto found = text_of_folder(path);
    if (!found) return fail(found.error());
    text = std::move(*found);
  }
  auto chat = ChatTokenizer::create(std::move(text->tokenizer));
  if (!chat) return fail(Errc::usage, path + ": " + chat.error().message);
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
