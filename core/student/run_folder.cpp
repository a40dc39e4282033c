#include "core/student/run_folder.h"

#include <malloc.h>
#include <sched.h>

#include <mutex>

#include "core/base/files.h"
#include "core/student/weights.h"
#include "core/weights/pretrained.h"

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
  auto chat = StudentChat::open(folder);
  if (!chat) return fail(chat.error());
  if (static_cast<std::int64_t>(chat->tokenizer().vocabulary_size()) > model->config.vocabulary) {
    return fail(Errc::usage, folder + ": its tokenizer has more tokens than the model");
  }
  chat->join_end_tokens(model->config);
  LoadedRun run{std::make_unique<Model>(model->config, device), std::make_unique<StudentChat>(std::move(*chat))};
  load_weights(model->tensors, *run.model);
  return run;
}

Result<void> save_description(const std::string& folder, const ModelConfig& config, const StudentChat& chat) {
  auto files = chat.files(config);
  files.emplace_back("config.json", config_to_json(config));
  for (const auto& [name, text] : files) {
    if (auto written = replace_file(folder + "/" + name, text); !written) return written;
  }
  return {};
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
