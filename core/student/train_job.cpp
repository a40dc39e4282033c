#include "core/student/train_job.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <set>
#include <utility>
#include <vector>

#include "core/base/clock.h"
#include "core/base/files.h"
#include "core/student/metrics.h"
#include "core/student/out_of_memory.h"
#include "core/student/run_folder.h"
#include "core/student/train_data.h"
#include "core/student/train_plan.h"
#include "core/student/trainer.h"
#include "core/student/weights.h"

namespace retort {
namespace {

class TrainJob {
 public:
  TrainJob(TrainSettings settings, const retort_host& host)
      : settings_(std::move(settings)), host_(host), metrics_(host, clock_, settings_.run) {}

  // A run that ends before its first checkpoint leaves nothing: what it wrote would stand in the way of another try.
  ~TrainJob() {
    if (folder_ >= 0) ::close(folder_);
    if (!prepared_ || finished_ || has_checkpoint(checkpoints())) return;
    std::error_code ignored;
    for (const std::string& name : names_in(settings_.run)) {
      if (!before_.contains(name)) std::filesystem::remove_all(settings_.run + "/" + name, ignored);
    }
    if (made_) std::filesystem::remove(settings_.run, ignored);
  }
  TrainJob(const TrainJob&) = delete;
  TrainJob& operator=(const TrainJob&) = delete;

  Result<void> run(bool& host_failed) {
    const auto device = choose_device(settings_.device);
    if (!device) return fail(device.error());
    prepare_process();
    if (auto ready = prepare_folder(); !ready) return ready;
    try {
      auto worked = work(*device, host_failed);
      finished_ = worked.has_value();
      return worked;
    } catch (const std::exception& error) {
      if (!is_out_of_memory(error)) throw;
      return fail(Errc::usage, out_of_memory(state_bytes_));
    }
  }

 private:
  Result<void> work(const at::Device& device, bool& host_failed) {
    std::optional<Pretrained> base;
    auto config = begin_with(base);
    if (!config) return fail(config.error());
    auto chat = tokenizer(base.has_value(), host_failed);
    if (!chat) return fail(chat.error());
    const auto tokens = static_cast<std::int64_t>(chat->tokenizer().vocabulary_size());
    if (!base) config->vocabulary = tokens;
    if (tokens > config->vocabulary) return fail(Errc::usage, settings_.student + ": more tokens than the model knows");
    chat->join_end_tokens(*config);
    const std::int64_t context = settings_.context > 0 ? settings_.context : config->context;
    if (context > config->context) {
      return fail(Errc::usage, "--context " + std::to_string(context) + ": the student reads at most " +
                                   std::to_string(config->context) + " tokens");
    }
    auto data = load_rows(settings_, context, *chat, host_, host_failed);
    if (!data) return fail(data.error());
    const bool adapters = settings_.lora_rank > 0;  // how many parameters they have is seen when they are made
    state_bytes_ = state_bytes(config->parameters(), adapters ? 0 : config->parameters(), adapters);
    Trainer trainer(settings_, *config, data->train, data->validation, device, base ? &base->tensors : nullptr);
    base.reset();
    if (settings_.dry_run) return tell_plan(settings_, *config, *chat, *data, trainer, clock_, host_);
    if (auto begun = begin(trainer, *config, *chat, *data, device); !begun) return begun;
    if (auto trained = loop(trainer); !trained) return trained;
    if (auto best = take_best(trainer); !best) return best;
    if (settings_.lora_rank > 0) {
      if (auto described = describe_adapter(*config, *chat); !described) return described;
    }
    return save_weights(settings_.run, trainer.model(), settings_.student);
  }

  // A checkpoint that exists, or the sizes of one from scratch.
  Result<ModelConfig> begin_with(std::optional<Pretrained>& base) const {
    if (!is_pretrained(settings_.student)) return parse_student(settings_.student);
    auto opened = open_pretrained(settings_.student);
    if (!opened) return fail(opened.error());
    base = std::move(*opened);
    return base->config;
  }

  Result<StudentChat> tokenizer(bool pretrained, bool& host_failed) const {
    if (settings_.resume) return StudentChat::open(settings_.run);
    return pretrained ? StudentChat::open(settings_.student, settings_.chat_template)
                      : learn_tokenizer(settings_, host_, host_failed);
  }

  // So that the adapter can go where the base model is, without the run.
  Result<void> describe_adapter(const ModelConfig& config, const StudentChat& chat) const {
    const std::string folder = settings_.run + "/adapter";
    if (auto made = make_folder(folder); !made) return made;
    for (const auto& [name, text] : chat.files(config)) {
      if (name == "generation_config.json") continue;  // the base model's
      if (auto written = replace_file(folder + "/" + name, text); !written) return written;
    }
    const auto manifest = read_file(settings_.run + "/manifest.json");
    return manifest ? replace_file(folder + "/manifest.json", *manifest) : Result<void>();
  }

  std::string checkpoints() const { return settings_.run + "/checkpoint"; }

  Result<void> prepare_folder() {
    if (settings_.dry_run) return {};
    if (settings_.resume) return lock_folder();
    for (const char* name : {"/train.json", "/model.safetensors"}) {
      std::error_code error;
      if (std::filesystem::exists(settings_.run + name, error)) {
        return fail(Errc::usage,
                    settings_.run + " already holds a run: go on with --resume, or choose another folder with -o");
      }
    }
    std::error_code error;
    made_ = !std::filesystem::exists(settings_.run, error);
    before_ = names_in(settings_.run);
    if (auto made = make_folder(settings_.run); !made) return made;
    if (auto locked = lock_folder(); !locked) return locked;
    prepared_ = true;
    return make_folder(checkpoints());
  }

  // As long as this process lives: two that train into one folder would write over each other's checkpoints.
  Result<void> lock_folder() {
    folder_ = ::open(settings_.run.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder_ >= 0 && flock(folder_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
      return fail(Errc::usage, "another process is training into " + settings_.run + ": wait for its end");
    return {};
  }

  static std::set<std::string> names_in(const std::string& folder) {
    std::set<std::string> names;
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(folder, ignored))
      names.insert(entry.path().filename().string());
    return names;
  }

  Result<void> begin(Trainer& trainer, const ModelConfig& config, const StudentChat& chat, const TrainData& data,
                     at::Device device) {
    if (settings_.resume && has_checkpoint(checkpoints())) {
      const auto checkpoint = load_checkpoint(checkpoints());
      if (!checkpoint) return fail(checkpoint.error());
      if (auto restored = trainer.restore(*checkpoint); !restored) return restored;
      best_ = best_from(json_child(checkpoint->state, "best"));
    }
    if (!settings_.resume) {
      if (auto saved = save_description(settings_.run, config, chat); !saved) return saved;
      if (auto saved = replace_file(settings_.run + "/manifest.json", settings_.manifest); !saved) return saved;
      // Last: from here on the folder is a run that can be resumed.
      if (auto saved = replace_file(settings_.run + "/train.json", train_settings_to_json(settings_).dump(2) + "\n");
          !saved)
        return saved;
    }
    if (auto begun = metrics_.begin(trainer.steps_done()); !begun) return begun;
    const Json event = {{"event", trainer.steps_done() > 0 ? "resumed" : "begin"},
                        {"step", trainer.steps_done()},
                        {"steps", trainer.steps_in_all()},
                        {"parameters", config.parameters()},
                        {"vocabulary", config.vocabulary},
                        {"device", device.is_cuda() ? "cuda" : "cpu"},
                        {"threads", at::get_num_threads()},
                        {"pairs", data.train.size()},
                        {"validation_pairs", data.validation.size()},
                        {"tokens", data.train.tokens()},
                        {"learned_tokens", data.train.targets()},
                        {"truncated", data.truncated},
                        {"dropped", data.dropped}};
    metrics_.write(event);
    return {};
  }

  Result<void> loop(Trainer& trainer) {
    const Instant begun = clock_.now();
    Instant reported = begun;
    std::int64_t saved_at = trainer.steps_done();
    while (trainer.steps_done() < trainer.steps_in_all() && !out_of_patience()) {
      const auto report = trainer.step();
      if (!report) return fail(report.error());
      write_step(*report, trainer.steps_in_all(), begun, reported);
      const bool last = report->step == trainer.steps_in_all();
      if (last || report->step % settings_.validate_every == 0) {
        if (auto validated = validate(trainer, report->epoch); !validated) return validated;
        reported = clock_.now();
      }
      const bool stop = !last && host_.should_stop(host_.context) != 0;
      if (last || stop || out_of_patience() || report->step - saved_at >= settings_.checkpoint_every) {
        metrics_.flush();
        Checkpoint checkpoint = trainer.checkpoint();
        checkpoint.state["best"] = best_json();
        if (auto saved = save_checkpoint(checkpoints(), checkpoint); !saved) return saved;
        saved_at = report->step;
        forget_bests();
      }
      if (stop)
        return fail(Errc::interrupted, "interrupted at step " + std::to_string(report->step) + " of " +
                                           std::to_string(trainer.steps_in_all()) + "; go on with --resume");
    }
    Json end = {{"event", "end"}, {"step", trainer.steps_done()}, {"seconds", seconds(clock_.now() - begun)}};
    if (trainer.steps_done() < trainer.steps_in_all()) end["stopped_early"] = true;
    if (settings_.keep_best && best_.step > 0) end["best_step"] = best_.step;
    metrics_.write(end);
    metrics_.flush();
    if (!metrics_.good()) return fail(Errc::disk, "cannot write all of " + settings_.run + "/metrics.jsonl");
    return {};
  }

  void write_step(const StepReport& report, std::int64_t steps, Instant begun, Instant& reported) {
    const Instant now = clock_.now();
    const double took = std::max(1e-9, seconds(now - reported));
    reported = now;
    metrics_.write({{"event", "step"},
                    {"step", report.step},
                    {"steps", steps},
                    {"epoch", report.epoch},
                    {"loss", report.loss},
                    {"lr", report.learning_rate},
                    {"grad_norm", report.gradient_norm},
                    {"tokens", report.tokens},
                    {"learned_tokens", report.targets},
                    {"tokens_per_second", std::round(static_cast<double>(report.tokens) / took)},
                    {"memory_bytes", memory_in_use()},
                    {"seconds", seconds(now - begun)}});
  }

  Result<void> validate(const Trainer& trainer, std::int64_t epoch) {
    const auto loss = trainer.validation_loss();
    if (!loss) return {};
    metrics_.write(
        {{"event", "validation"}, {"step", trainer.steps_done()}, {"epoch", epoch}, {"validation_loss", *loss}});
    if (best_.step > 0 && !(*loss < best_.loss)) {
      ++best_.since;
      return {};
    }
    best_ = {*loss, trainer.steps_done(), 0};
    if (!settings_.keep_best) return {};
    Checkpoint weights = trainer.checkpoint();
    weights.first_moment = weights.second_moment = {0};  // nobody goes on from here
    return save_checkpoint(best_folder(best_.step), weights);
  }

  // Only now: a run that is killed goes on from its checkpoint, which may know an earlier one.
  void forget_bests() const {
    std::error_code ignored;
    std::vector<std::filesystem::path> old;
    for (const auto& entry : std::filesystem::directory_iterator(settings_.run + "/best", ignored)) {
      if (entry.path().filename() != std::to_string(best_.step)) old.push_back(entry.path());
    }
    for (const auto& path : old) std::filesystem::remove_all(path, ignored);
  }

  Result<void> take_best(Trainer& trainer) const {
    if (!settings_.keep_best || best_.step == 0 || best_.step == trainer.steps_done()) return {};
    const auto best = load_checkpoint(best_folder(best_.step));
    if (!best) return fail(best.error());
    return trainer.take_parameters(*best);
  }

  // The lowest validation loss so far; it goes with the checkpoint, so that a resumed run knows it.
  struct Best {
    double loss = 0;
    std::int64_t step = 0;   // 0: there was no validation yet
    std::int64_t since = 0;  // validations
  };
  Json best_json() const { return {{"loss", best_.loss}, {"step", best_.step}, {"since", best_.since}}; }
  static Best best_from(const Json& json) {
    const Json loss = json.is_object() ? json.value("loss", Json()) : Json();
    if (!loss.is_number()) return {};
    return {loss.get<double>(), json_count(json, "step").value_or(0), json_count(json, "since").value_or(0)};
  }
  bool out_of_patience() const { return settings_.patience > 0 && best_.since >= settings_.patience; }
  std::string best_folder(std::int64_t step) const { return settings_.run + "/best/" + std::to_string(step); }

  TrainSettings settings_;
  const retort_host& host_;
  const SystemClock clock_;
  Metrics metrics_;
  Best best_;
  std::int64_t state_bytes_ = 0;  // at least; 0: not known yet
  // The run's folder, locked; -1: none.
  int folder_ = -1;
  bool made_ = false;             // it was not there before
  std::set<std::string> before_;  // names that were in it before
  bool prepared_ = false, finished_ = false;
};

}  // namespace

Result<void> run_train_job(const TrainSettings& given, const retort_host& host, bool& host_failed) {
  TrainSettings settings = given;
  if (given.resume) {
    auto kept = resumed_settings(given);
    if (!kept) return fail(kept.error());
    settings = std::move(*kept);
  }
  return TrainJob(std::move(settings), host).run(host_failed);
}

}  // namespace retort
