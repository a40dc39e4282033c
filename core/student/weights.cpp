#include "core/student/weights.h"

#include <cstring>

#include "core/base/files.h"
#include "core/weights/safetensors.h"

namespace retort {
namespace {

Result<void> save_tensors(const std::string& path, const Model& model, const std::vector<NamedTensor>& named) {
  std::vector<TensorToWrite> tensors;
  for (const NamedTensor& one : named) {
    tensors.push_back({one.name, one.tensor.sizes().vec(), Numbers::f32, [&model, &one](float* out) {
                         const at::Tensor here = model.merged(one).to(at::kCPU).contiguous();
                         std::memcpy(out, here.data_ptr<float>(), static_cast<std::size_t>(here.nbytes()));
                       }});
  }
  auto file = FileReplacement::begin(path);
  if (!file) return fail(file.error());
  const auto written = write_safetensors(tensors, [&](std::string_view bytes) { return file->append(bytes); });
  return written ? file->commit() : written;
}

}  // namespace

void load_weights(const TensorMap& tensors, const Model& model) {
  at::NoGradGuard no_gradients;
  for (const NamedTensor& named : model.named()) {
    const auto found = tensors.find(named.name);
    RETORT_ASSERT(found != tensors.end() && at::IntArrayRef(found->second.shape) == named.tensor.sizes());
    if (model.device().is_cpu() && named.tensor.is_contiguous()) {
      read_floats(found->second, named.tensor.data_ptr<float>());
      continue;
    }
    const at::Tensor values = at::empty(named.tensor.sizes(), at::kFloat);
    read_floats(found->second, values.data_ptr<float>());
    named.tensor.copy_(values);
  }
}

Result<void> save_weights(const std::string& folder, const Model& model, const std::string& base) {
  if (model.options().lora.on()) {
    const std::string adapter = folder + "/adapter";
    if (auto made = make_folder(adapter); !made) return made;
    const auto named = model.adapters();
    if (auto saved = save_tensors(adapter + "/adapter_model.safetensors", model, named); !saved) return saved;
    if (auto saved = replace_file(adapter + "/adapter_config.json", adapter_config_json(model.options().lora, base));
        !saved)
      return saved;
  }
  const auto named = model.named();
  return save_tensors(folder + "/model.safetensors", model, named);
}

}  // namespace retort
