#include "core/student/train_job.h"

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "core/base/clock.h"
#include "core/base/files.h"
#include "core/student/run_folder.h"
#include "core/student/train_data.h"
#include "core/student/trainer.h"
#include "core/student/weights.h"

namespace retort {
namespace {

// Metrics go to the host and to RUN/metrics.jsonl. A resumed run forgets what was written after its checkpoint, so that
// the file reads as if nothing had happened.
class Metrics {
 public:
  Metrics(const retort_host& host, std::string path) : host_(host), path_(std::move(path)) {}

  Result<void> begin(std::int64_t steps_kept) {
    std::string kept;
    std::ifstream old(path_);
    for (std::string line; steps_kept > 0 && std::getline(old, line);) {
      const auto json = parse_json(line);
      if (json && json_count(*json, "step").value_or(0) <= steps_kept && json_text(*json, "event") != "end")
        kept += line + "\n";
    }
    if (auto written = replace_file(path_, kept); !written) return written;
    out_.open(path_, std::ios::app);
    return {};
  }
  // False once the disk is full: training without a record is still training, but the end says so.
  void write(const Json& event) {
    const std::string line = dump_json(event);
    host_.emit(host_.context, {line.data(), line.size()});
    out_ << line << '\n';
  }
  void flush() { out_.flush(); }
  bool good() const { return out_.good(); }

 private:
  const retort_host& host_;
  std::string path_;
  std::ofstream out_;
};

class TrainJob {
 public:
  TrainJob(TrainSettings settings, const retort_host& host)
      : settings_(std::move(settings)), host_(host), metrics_(host, settings_.run + "/metrics.jsonl") {}

  Result<void> run(bool& host_failed) {
    const auto device = choose_device(settings_.device);
    if (!device) return fail(device.error());
    prepare_process();
    if (auto ready = prepare_folder(); !ready) return ready;
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
    Trainer trainer(settings_, *config, data->train, data->validation, *device, base ? &base->tensors : nullptr);
    base.reset();
    if (auto begun = begin(trainer, *config, *chat, *data, *device); !begun) return begun;
    if (auto trained = loop(trainer); !trained) return trained;
    return save_weights(settings_.run, trainer.model(), settings_.student);
  }

 private:
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

  std::string checkpoints() const { return settings_.run + "/checkpoint"; }

  Result<void> prepare_folder() {
    if (settings_.resume) return {};
    for (const char* name : {"/train.json", "/model.safetensors"}) {
      std::error_code error;
      if (std::filesystem::exists(settings_.run + name, error)) {
        return fail(Errc::usage,
                    settings_.run + " already holds a run: go on with --resume, or choose another folder with -o");
      }
    }
    return make_folder(checkpoints());
  }

  Result<void> begin(Trainer& trainer, const ModelConfig& config, const StudentChat& chat, const TrainData& data,
                     at::Device device) {
    if (settings_.resume && has_checkpoint(checkpoints())) {
      const auto checkpoint = load_checkpoint(checkpoints());
      if (!checkpoint) return fail(checkpoint.error());
      if (auto restored = trainer.restore(*checkpoint); !restored) return restored;
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
                        {"dropped", data.dropped}};
    metrics_.write(event);
    return {};
  }

  Result<void> loop(Trainer& trainer) {
    const SystemClock clock;
    const Instant begun = clock.now();
    Instant reported = begun;
    std::int64_t saved_at = trainer.steps_done();
    while (trainer.steps_done() < trainer.steps_in_all()) {
      const auto report = trainer.step();
      if (!report) return fail(report.error());
      const Instant now = clock.now();
      const double took = std::max(1e-9, seconds(now - reported));
      reported = now;
      metrics_.write({{"event", "step"},
                      {"step", report->step},
                      {"steps", trainer.steps_in_all()},
                      {"epoch", report->epoch},
                      {"loss", report->loss},
                      {"lr", report->learning_rate},
                      {"grad_norm", report->gradient_norm},
                      {"tokens", report->tokens},
                      {"learned_tokens", report->targets},
                      {"tokens_per_second", std::round(static_cast<double>(report->tokens) / took)},
                      {"seconds", seconds(now - begun)}});
      const bool last = report->step == trainer.steps_in_all();
      if (last || report->step % settings_.validate_every == 0) {
        validate(trainer, report->epoch);
        reported = clock.now();
      }
      const bool stop = !last && host_.should_stop(host_.context) != 0;
      if (last || stop || report->step - saved_at >= settings_.checkpoint_every) {
        metrics_.flush();
        if (auto saved = save_checkpoint(checkpoints(), trainer.checkpoint()); !saved) return saved;
        saved_at = report->step;
      }
      if (stop)
        return fail(Errc::interrupted, "interrupted at step " + std::to_string(report->step) + " of " +
                                           std::to_string(trainer.steps_in_all()) + "; go on with --resume");
    }
    metrics_.write({{"event", "end"}, {"step", trainer.steps_done()}, {"seconds", seconds(clock.now() - begun)}});
    metrics_.flush();
    if (!metrics_.good()) return fail(Errc::disk, "cannot write all of " + settings_.run + "/metrics.jsonl");
    return {};
  }

  void validate(const Trainer& trainer, std::int64_t epoch) {
    if (const auto loss = trainer.validation_loss()) {
      metrics_.write(
          {{"event", "validation"}, {"step", trainer.steps_done()}, {"epoch", epoch}, {"validation_loss", *loss}});
    }
  }

  TrainSettings settings_;
  const retort_host& host_;
  Metrics metrics_;
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
