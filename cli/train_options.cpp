#include "cli/train_options.h"
#include "cli/options.h"

#include "core/base/files.h"

namespace retort {

void add_train_settings(CLI::App& command, Json& settings, CLI::Option* resume) {
  const auto add = [&]<class T>(const char* names, const char* key, T, const char* help) {
    CLI::Option* option = command.add_option_function<T>(
        names, [&settings, key](const T& value) { settings[key] = value; }, help);
    option->excludes(resume);  // a resumed run keeps the settings it began with
    return option;
  };
  add("--student", "student", std::string(),
      "A model folder or a .gguf file, or from scratch: new:nano, new:micro (default), new:mini, new:small, or parts: "
      "new:d=128,layers=4,heads=4");
  command
      .add_option_function<std::string>(
          "--chat-template",
          [&settings](const std::string& path) {
            auto text = read_file(path);
            if (!text) throw CLI::ValidationError("--chat-template", text.error().message);
            settings["chat_template"] = std::move(*text);
          },
          "A Jinja file to write conversations with, instead of the template of a model that exists")
      ->excludes(resume);
  add("--context", "context", std::int64_t(), "Longest row in tokens (default: what the student reads)")
      ->check(positive_number());
  add("--precision", "precision", std::string(), "Of matrix products: fp32, bf16 or auto (bf16 on CUDA)")
      ->check(CLI::IsMember({"auto", "fp32", "bf16"}));
  add("--schedule", "schedule", std::string(), "cosine (default) or wsd: hold the rate, then let it fall")
      ->check(CLI::IsMember({"cosine", "wsd"}));
  add("--decay-part", "decay_part", double(), "wsd: part of the steps in which the rate falls (default 0.2)")
      ->check(number_between(0, 1));
  add("--lora-rank", "lora_rank", std::int64_t(), "Learn adapters of this rank beside frozen weights; 0 (default): all")
      ->check(CLI::Range(0, 4096));
  add("--lora-alpha", "lora_alpha", double(), "Adapters count alpha/rank (default 16)")->check(positive_number());
  add("--lora-dropout", "lora_dropout", double(), "Part of its input that an adapter does not see (default 0)")
      ->check(number_between(0, 0.99));
  add("--lora-targets", "lora_targets", std::string(),
      "Comma-separated: q_proj,k_proj,v_proj,o_proj,gate_proj,up_proj,down_proj (default: all)");
  const auto add_flag = [&](const char* names, const char* key, const char* help) {
    command
        .add_flag_callback(
            names, [&settings, key] { settings[key] = true; }, help)
        ->excludes(resume);
  };
  add_flag("--rslora", "lora_stabilised", "Adapters count alpha/sqrt(rank)");
  add_flag("--pack", "pack", "Several pairs in a line, apart from each other: less padding");
  add_flag("--truncate", "truncate",
           "Cut rows that are longer than the context at their end instead of leaving them out");
  add_flag("--recompute", "recompute", "Compute activations again instead of keeping them: less memory, more time");
  add("--epochs", "epochs", double(), "How often each pair is learned (default 6, for a student that exists 3)")
      ->check(positive_number());
  add("--steps", "steps", std::int64_t(), "Steps instead of epochs; 0 saves an untrained student")
      ->check(number_from_zero());
  add("--batch-size", "batch_rows", std::int64_t(), "Pairs a step (default 16)")->check(positive_number());
  add("--accumulate", "accumulate", std::int64_t(), "Parts a batch is cut into, to need less memory (default 1)")
      ->check(positive_number());
  add("--learning-rate", "learning_rate", double(),
      "Peak of the schedule (default 0.0015; for a student that exists 0.00002, with LoRA 0.0002)")
      ->check(positive_number());
  add("--warm-up", "warm_up", double(), "Part of the steps in which the rate rises (default 0.05)")
      ->check(number_between(0, 1));
  add("--weight-decay", "weight_decay", double(), "Of matrices only (default 0.1, for a student that exists 0)")
      ->check(number_from_zero());
  add("--vocabulary", "vocabulary", std::int64_t(), "Tokens of the byte-level BPE, at most (default 512)")
      ->check(CLI::Range(300, 1'000'000));
  add("--seed", "seed", std::uint64_t(), "Of weights and order (default 0)");
  add("--validation-fraction", "validation_fraction", double(),
      "Of the conversations, held back and never learned (default 0.02)")
      ->check(number_between(0, 0.9));
  add("--validate-every", "validate_every", std::int64_t(), "Steps between validation losses (default 200)")
      ->check(positive_number());
  add("--patience", "patience", std::int64_t(),
      "End after so many validations in a row without a lower loss; 0 (default): never")
      ->check(number_from_zero());
  add_flag("--keep-best", "keep_best", "End with the weights of the lowest validation loss instead of the last ones");
  add("--checkpoint-every", "checkpoint_every", std::int64_t(), "Steps between checkpoints (default 500)")
      ->check(positive_number());
}

}  // namespace retort
