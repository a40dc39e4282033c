// A run on disk is a Hugging Face folder from its first minute: config.json, tokenizer.json, tokenizer_config.json,
// generation_config.json, model.safetensors; beside them what only retort reads: train.json, metrics.jsonl,
// manifest.json, checkpoint/, and adapter/ with LoRA.
#pragma once

#include <memory>
#include <string>

#include "core/student/model.h"
#include "core/student/student_chat.h"

namespace retort {

/// What a student needs in order to speak.
struct LoadedRun {
  std::unique_ptr<Model> model;
  std::unique_ptr<StudentChat> chat;
};

/// Of a run, a model folder or a .gguf file. Errc::usage with the file that is missing or does not fit the others.
Result<LoadedRun> load_run(const std::string& folder, at::Device device);

/// Everything but the weights.
Result<void> save_description(const std::string& folder, const ModelConfig& config, const StudentChat& chat);

/// "auto" takes CUDA where there is one. Errc::usage if "cuda" is asked for and there is none.
Result<at::Device> choose_device(const std::string& word);

/// All cores for libtorch, and memory that is kept between steps instead of given back to the system. Once a process.
void prepare_process();

}  // namespace retort
