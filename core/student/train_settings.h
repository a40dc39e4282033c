// What a training run is told, as JSON from the host; RUN/train.json keeps it, and a resumed run takes it from there.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/json.h"
#include "core/base/result.h"
#include "core/student/lora_settings.h"

namespace retort {

struct TrainSettings {
  std::string run;                    ///< folder, without a slash at the end
  std::string student = "new:micro";  ///< new:SIZE (see parse_student), a model folder or a .gguf file
  std::string chat_template;          ///< Jinja, instead of the one a pretrained student has; empty: its own
  std::int64_t context = 0;           ///< longest row, tokens; 0: what the student has
  bool truncate = false;              ///< rows longer than that are cut at their end instead of left out
  bool pack = false;                  ///< several rows in a line, apart from each other
  bool recompute = false;             ///< activation checkpointing
  std::string precision = "auto";     ///< of matrix products: fp32, bf16, auto (bf16 on CUDA)
  std::string schedule = "cosine";    ///< or wsd
  double decay_part = 0.2;            ///< wsd: part of all steps in which the rate falls
  std::int64_t lora_rank = 0;         ///< 0: everything is learned
  double lora_alpha = 16;             ///
  double lora_dropout = 0;            ///
  bool lora_stabilised = false;       ///< rsLoRA
  std::string lora_targets = "q_proj,k_proj,v_proj,o_proj,gate_proj,up_proj,down_proj";
  std::string device = "auto";          ///< auto, cpu, cuda
  bool resume = false;                  ///< go on from RUN/checkpoint with the settings of RUN/train.json
  std::uint64_t seed = 0;               ///< of the weights, the order and nothing else
  std::int64_t vocabulary = 512;        ///< tokens of the BPE, at most
  double epochs = 6;                    ///< how often each pair is seen
  std::int64_t steps = -1;              ///< instead of epochs, if not negative; 0 saves an untrained student
  std::int64_t batch_rows = 16;         ///< pairs a step
  std::int64_t accumulate = 1;          ///< parts a batch is cut into, to fit the memory; changes rounding only
  double learning_rate = 1.5e-3;        ///< peak
  double warm_up = 0.05;                ///< part of all steps
  double learning_rate_floor = 0.02;    ///< part of the peak at which the cosine ends
  double weight_decay = 0.1;            ///
  double beta1 = 0.9, beta2 = 0.99;     ///
  double gradient_norm_max = 1;         ///
  double validation_fraction = 0.02;    ///< of the conversations, held back and never learned
  std::int64_t validate_every = 200;    ///< steps; also at the end
  std::int64_t checkpoint_every = 500;  ///< steps; also at the end and when interrupted
  std::int64_t patience = 0;            ///< validations in a row without a lower loss that end the run; 0: never
  bool keep_best = false;               ///< the weights of the lowest validation loss are what the run ends with
  bool dry_run = false;                 ///< says what it would do, and writes nothing
  std::string manifest = "{}";          ///< written to RUN/manifest.json as it is
};

/// What the settings say of adapters.
LoraSettings lora_settings(const TrainSettings& settings);

/// Errc::usage names the first setting that is unknown, cannot be, or would change nothing. A student that exists begins
/// with other defaults than one from scratch: a learning rate of 2e-5, or 2e-4 with adapters, no weight decay, 3 epochs.
Result<TrainSettings> train_settings_from_json(std::string_view text);
/// All but `run`, `resume`, `device`, `dry_run` and `manifest`: what must be the same when a run goes on.
Json train_settings_to_json(const TrainSettings& settings);
/// The settings of a run that is to be resumed, from RUN/train.json.
Result<TrainSettings> resumed_settings(const TrainSettings& given);

}  // namespace retort
