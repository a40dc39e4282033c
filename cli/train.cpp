// `retort train`: a student learns from a corpus. The gate comes first, as for export: what terms or evidence forbid is
// not learned, and the manifest of what was learned stays with the run.
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "cli/command.h"
#include "cli/exit_codes.h"
#include "cli/options.h"
#include "cli/run_record.h"
#include "cli/student_module.h"
#include "cli/terminal.h"
#include "cli/train_progress.h"
#include "core/base/files.h"
#include "core/curate/admission.h"

namespace retort {
namespace {

struct TrainFlags {
  std::string corpus = "corpus.db";
  std::string run;
  bool resume = false, json = false;
  std::string device = "auto";
  std::string view = "all", split;
  std::int64_t pairs_max = 0;
  std::vector<std::string> permissions, explanations;
  Json settings = Json::object();  ///< only what was given: the module knows the defaults
};

Result<Json> manifest_of_run(const std::string& run) {
  std::ifstream file(run + "/manifest.json");
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  auto manifest = parse_json(text);
  if (!manifest || !json_count(*manifest, "pairs")) {
    return fail(Errc::usage, "there is no run to resume in " + run + " (no manifest.json)");
  }
  return manifest;
}

// A resumed run sees the pairs it began with, whatever the corpus took in since.
Result<Admission> admit_pairs(CorpusReader& reader, const TrainFlags& flags, const std::vector<Permission>& granted) {
  std::vector<Permission> permissions = granted;
  RowId pairs_max = flags.pairs_max;
  std::string digest, view = flags.view, split = flags.split;
  if (flags.resume) {
    const auto manifest = manifest_of_run(flags.run);
    if (!manifest) return fail(manifest.error());
    pairs_max = json_count(*manifest, "pairs").value_or(0);
    view = manifest->value("view", "all");
    split = json_text(json_child(*manifest, "curation"), "split");
    digest = json_text(json_child(*manifest, "digest"), "value");
  }
  auto admission = admit(reader, {"train", std::move(permissions), pairs_max, view, split});
  if (admission && admission->preference) {
    return fail(Errc::usage, "view '" + view +
                                 "' holds preference pairs, which retort train does not learn from: "
                                 "export them with -f preference");
  }
  if (admission && flags.resume && admission->digest != digest) {
    return fail(Errc::usage,
                "the corpus no longer holds the pairs that " + flags.run + " began with: train into another folder");
  }
  return admission;
}

Json module_settings(const TrainFlags& flags, const Admission& admission) {
  Json settings = flags.settings;
  settings["run"] = flags.run;
  settings["device"] = flags.device;
  settings["resume"] = flags.resume;
  Json manifest = admission.manifest;
  manifest["train"] = flags.settings;
  settings["manifest"] = manifest.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
  return settings;
}

Json summary_of(const TrainFlags& flags, const Admission& admission, const TrainProgress& progress, double took) {
  Json summary = {{"run", flags.run},
                  {"pairs", admission.pairs},
                  {"frozen_at", admission.frozen_at},
                  {"digest", admission.digest},
                  {"seconds", took}};
  for (const char* key : {"parameters", "vocabulary", "device", "validation_pairs", "dropped"}) {
    if (progress.begun().contains(key)) summary[key] = progress.begun()[key];
  }
  for (const char* key : {"step", "steps", "loss"}) {
    if (progress.last_step().contains(key)) summary[key] = progress.last_step()[key];
  }
  if (progress.last_validation().contains("validation_loss"))
    summary["validation_loss"] = progress.last_validation()["validation_loss"];
  return summary;
}

Result<void> record(Edges& edges, const TrainFlags& flags, const std::vector<Permission>& granted, int exit_code,
                    const Json& summary) {
  const RunStart run = run_start(edges, "train",
                                 {{"corpus", flags.corpus},
                                  {"run", flags.run},
                                  {"resume", flags.resume},
                                  {"device", flags.device},
                                  {"view", flags.view},
                                  {"split", flags.split},
                                  {"pairs_max", flags.pairs_max},
                                  {"settings", flags.settings}});
  auto recorded = edges.corpora.record(flags.corpus, run, {exit_code, {}, summary}, granted);
  // A statement must be kept; that somebody learned from a write-protected corpus need not be.
  if (recorded || !granted.empty()) return recorded;
  say("note: this training is not on record in " + flags.corpus + ": " + recorded.error().message);
  return {};
}

Result<int> run_train(Edges& edges, const TrainFlags& flags) {
  const auto granted = permissions_of(flags.permissions, flags.explanations);
  if (!granted) return fail(granted.error());
  const auto module = StudentModule::load();
  if (!module) return fail(module.error());
  auto reader = edges.corpora.read(flags.corpus);
  if (!reader) return fail(reader.error());
  const auto admission = admit_pairs(**reader, flags, *granted);
  if (!admission) return fail(admission.error());
  if (admission->pairs == 0)
    return fail(Errc::usage, flags.corpus + " has no answered prompts to learn from: see retort status");

  on_interrupt({});  // a stop writes a checkpoint first
  TrainProgress progress(edges.clock, is_terminal(STDERR_FILENO));
  TrainHost host;
  host.read_pairs = [&](const std::function<Result<void>(const Pair&)>& use) {
    return read_admitted(**reader, *admission, use);
  };
  host.on_event = [&](const Json& event) { progress.show(event); };
  host.should_stop = [] { return interrupted(); };
  const Instant begun = edges.clock.now();
  const Result<void> trained = module->train(module_settings(flags, *admission), host);
  progress.finish();
  const Json summary = summary_of(flags, *admission, progress, seconds(edges.clock.now() - begun));
  const int exit_code = trained                                     ? kExitComplete
                        : trained.error().code == Errc::interrupted ? interrupted_exit_code()
                                                                    : exit_code_of(trained.error().code);
  const bool learned = trained || !progress.begun().empty();  // settings that were refused are no use of the corpus
  if (learned) {
    if (auto recorded = record(edges, flags, *granted, exit_code, summary); !recorded) return fail(recorded.error());
  }
  if (!trained) return fail(trained.error());
  if (flags.json) {
    print_line(dump_json(summary));
  } else {
    say("the student is in " + flags.run + ": retort generate " + flags.run + " --prompt '…', retort eval " +
        flags.run + " --prompts FILE");
  }
  return kExitComplete;
}

// Options whose default the module knows: only what is typed is sent.
void add_settings(CLI::App& command, Json& settings, CLI::Option* resume) {
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
      ->check(CLI::PositiveNumber);
  add("--precision", "precision", std::string(), "Of matrix products: fp32, bf16 or auto (bf16 on CUDA)")
      ->check(CLI::IsMember({"auto", "fp32", "bf16"}));
  add("--schedule", "schedule", std::string(), "cosine (default) or wsd: hold the rate, then let it fall")
      ->check(CLI::IsMember({"cosine", "wsd"}));
  add("--decay-part", "decay_part", double(), "wsd: part of the steps in which the rate falls (default 0.2)")
      ->check(CLI::Range(0.0, 1.0));
  add("--lora-rank", "lora_rank", std::int64_t(), "Learn adapters of this rank beside frozen weights; 0 (default): all")
      ->check(CLI::Range(0, 4096));
  add("--lora-alpha", "lora_alpha", double(), "Adapters count alpha/rank (default 16)")->check(CLI::PositiveNumber);
  add("--lora-dropout", "lora_dropout", double(), "Part of its input that an adapter does not see (default 0)")
      ->check(CLI::Range(0.0, 0.99));
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
  add_flag("--recompute", "recompute", "Compute activations again instead of keeping them: less memory, more time");
  add("--epochs", "epochs", double(), "How often each pair is learned (default 6)")->check(CLI::PositiveNumber);
  add("--steps", "steps", std::int64_t(), "Steps instead of epochs; 0 saves an untrained student")
      ->check(CLI::NonNegativeNumber);
  add("--batch-size", "batch_rows", std::int64_t(), "Pairs a step (default 16)")->check(CLI::PositiveNumber);
  add("--accumulate", "accumulate", std::int64_t(), "Parts a batch is cut into, to need less memory (default 1)")
      ->check(CLI::PositiveNumber);
  add("--learning-rate", "learning_rate", double(), "Peak of the schedule (default 0.0015)")
      ->check(CLI::PositiveNumber);
  add("--warm-up", "warm_up", double(), "Part of the steps in which the rate rises (default 0.05)")
      ->check(CLI::Range(0.0, 1.0));
  add("--weight-decay", "weight_decay", double(), "Of matrices only (default 0.1)")->check(CLI::NonNegativeNumber);
  add("--vocabulary", "vocabulary", std::int64_t(), "Tokens of the byte-level BPE, at most (default 512)")
      ->check(CLI::Range(300, 1'000'000));
  add("--seed", "seed", std::uint64_t(), "Of weights and order (default 0)");
  add("--validation-fraction", "validation_fraction", double(),
      "Of the conversations, held back and never learned (default 0.02)")
      ->check(CLI::Range(0.0, 0.9));
  add("--validate-every", "validate_every", std::int64_t(), "Steps between validation losses (default 200)")
      ->check(CLI::PositiveNumber);
  add("--checkpoint-every", "checkpoint_every", std::int64_t(), "Steps between checkpoints (default 500)")
      ->check(CLI::PositiveNumber);
}

}  // namespace

void add_train(CLI::App& app, Action& action) {
  auto flags = std::make_shared<TrainFlags>();
  CLI::App* command = app.add_subcommand("train", "Train a student on a corpus");
  command->add_option("-c,--corpus", flags->corpus, "Corpus to learn from")->capture_default_str();
  command->add_option("-o,--output", flags->run, "Folder for the run; afterwards a Hugging Face model folder")
      ->required();
  CLI::Option* resume =
      command->add_flag("--resume", flags->resume, "Go on with an interrupted run, exactly where it was");
  add_settings(*command, flags->settings, resume);
  command->add_option("--device", flags->device, "auto, cpu or cuda")
      ->capture_default_str()
      ->check(CLI::IsMember({"auto", "cpu", "cuda"}));
  command
      ->add_option("--max-pairs", flags->pairs_max, "Only the first so many, in the order in which they were obtained")
      ->check(CLI::PositiveNumber)
      ->excludes(resume);
  add_view_options(*command, flags->view, flags->split);
  command->add_option("--permission", flags->permissions,
                      "Why responses may be used whose terms are unknown or forbid training: who, when, where it is "
                      "written");
  command->add_option("--explain", flags->explanations, "Why answers name another maker than their teacher's profile");
  command->add_flag("--json", flags->json, "The summary as JSON on stdout");
  command->footer(
      "Example:\n  retort train -c corpus.db -o runs/first\n  retort train -c corpus.db -o runs/first --resume");
  command->callback([flags, &action] { action = [flags](Edges& edges) { return run_train(edges, *flags); }; });
}

}  // namespace retort
