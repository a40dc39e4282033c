// `retort train`: a student learns from a corpus. The gate comes first, as for export: what terms or evidence forbid is
// not learned, and the manifest of what was learned stays with the run.
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "cli/command.h"
#include "cli/energy.h"
#include "cli/exit_codes.h"
#include "cli/options.h"
#include "cli/run_record.h"
#include "cli/student_module.h"
#include "cli/student_origin.h"
#include "cli/terminal.h"
#include "cli/train_options.h"
#include "cli/train_plan.h"
#include "cli/train_progress.h"
#include "core/curate/admission.h"
#include "core/weights/pretrained.h"

namespace retort {
namespace {

struct TrainFlags {
  std::string corpus = "corpus.db";
  std::string run;
  bool resume = false, dry_run = false, json = false;
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

Result<Json> module_settings(const TrainFlags& flags, const Admission& admission) {
  Json settings = flags.settings;
  settings["run"] = flags.run;
  settings["device"] = flags.device;
  settings["resume"] = flags.resume;
  settings["dry_run"] = flags.dry_run;
  Json manifest = admission.manifest;
  manifest["train"] = flags.settings;
  // A resumed run has its manifest.
  if (const std::string student = json_text(flags.settings, "student");
      is_pretrained(student) && !flags.resume && !flags.dry_run) {
    auto base = origin_of_student(student);
    if (!base) return fail(base.error());
    add_origin(manifest, std::move(*base));
  }
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
  if (flags.run.empty() && !flags.dry_run) return fail(Errc::usage, "where to? -o FOLDER is needed");
  const auto granted = permissions_of(flags.permissions, flags.explanations);
  if (!granted) return fail(granted.error());
  const auto module = StudentModule::load();
  if (!module) return fail(module.error());
  auto reader = edges.corpora.read(flags.corpus);
  if (!reader) return fail(reader.error());
  const auto admission = admit_pairs(**reader, flags, *granted);
  if (!admission) return fail(admission.error());
  if (admission->pairs == 0) return fail(Errc::usage, nothing_in(flags.corpus, flags.view, flags.split));

  on_interrupt({});  // a stop writes a checkpoint first
  TrainProgress progress(edges.clock, is_terminal(STDERR_FILENO));
  TrainHost host;
  host.read_pairs = [&](const std::function<Result<void>(const Pair&)>& use) {
    return read_admitted(**reader, *admission, use);
  };
  Json plan = Json::object();
  EnergyMeter energy = EnergyMeter::of_machine();
  host.on_event = [&](const Json& event) {
    energy.sample();
    if (json_text(event, "event") == "plan") plan = event;
    progress.show(event);
  };
  host.should_stop = [] { return interrupted(); };
  const Instant begun = edges.clock.now();
  const auto settings = module_settings(flags, *admission);
  if (!settings) return fail(settings.error());
  const Result<void> trained = module->train(*settings, host);
  progress.finish();
  if (flags.dry_run) {
    if (!trained) return fail(trained.error());
    print_train_plan(plan, flags.json);
    return kExitComplete;
  }
  Json summary = summary_of(flags, *admission, progress, seconds(edges.clock.now() - begun));
  summary["energy"] = energy.summary();
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

}  // namespace

void add_train(CLI::App& app, Action& action) {
  auto flags = std::make_shared<TrainFlags>();
  CLI::App* command = app.add_subcommand("train", "Train a student on a corpus");
  command->add_option("-c,--corpus", flags->corpus, "Corpus to learn from")->capture_default_str();
  command->add_option("-o,--output", flags->run, "Folder for the run; afterwards a Hugging Face model folder");
  CLI::Option* resume =
      command->add_flag("--resume", flags->resume, "Go on with an interrupted run, exactly where it was");
  command
      ->add_flag("--dry-run", flags->dry_run,
                 "Only tell steps, tokens, memory and time, and show the first rows; writes nothing")
      ->excludes(resume);
  add_train_settings(*command, flags->settings, resume);
  command->add_option("--device", flags->device, "auto, cpu or cuda")
      ->capture_default_str()
      ->check(CLI::IsMember({"auto", "cpu", "cuda"}));
  command
      ->add_option("--max-pairs", flags->pairs_max, "Only the first so many, in the order in which they were obtained")
      ->check(positive_number())
      ->excludes(resume);
  add_view_options(*command, flags->view, flags->split);
  command->add_option("--permission", flags->permissions,
                      "Why responses may be used whose terms are unknown or forbid training: who, when, where it is "
                      "written");
  command->add_option("--explain", flags->explanations, "Why answers name another maker than their teacher's profile");
  command->add_flag("--json", flags->json, "The summary as JSON on stdout");
  command->footer(
      "Example:\n  retort train -c corpus.db --dry-run\n  retort train -c corpus.db -o runs/first\n  retort train -c "
      "corpus.db -o runs/first --resume");
  command->callback([flags, &action] { action = [flags](Edges& edges) { return run_train(edges, *flags); }; });
}

}  // namespace retort
