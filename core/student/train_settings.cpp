#include "core/student/train_settings.h"

#include <sstream>

#include "core/base/files.h"
#include "core/weights/pretrained.h"

namespace retort {
namespace {

// Where weights exist, what they know is easily lost: the rates, epochs and decay that trl's SFT trainer begins with
// too, and ten times the rate for adapters (Schulman 2025, LoRA Without Regret).
constexpr double kFineTuningLearningRate = 2e-5, kAdapterLearningRate = 2e-4, kFineTuningEpochs = 3;

Failure wrong(const std::string& key) { return fail(Errc::usage, "train: setting '" + key + "' is not valid"); }

// One list for reading and writing, so that the two cannot part.
template <class Visitor>
void visit_kept(TrainSettings& s, Visitor&& visit) {
  visit("student", s.student);
  visit("chat_template", s.chat_template);
  visit("context", s.context);
  visit("truncate", s.truncate);
  visit("pack", s.pack);
  visit("recompute", s.recompute);
  visit("precision", s.precision);
  visit("schedule", s.schedule);
  visit("decay_part", s.decay_part);
  visit("lora_rank", s.lora_rank);
  visit("lora_alpha", s.lora_alpha);
  visit("lora_dropout", s.lora_dropout);
  visit("lora_stabilised", s.lora_stabilised);
  visit("lora_targets", s.lora_targets);
  visit("seed", s.seed);
  visit("vocabulary", s.vocabulary);
  visit("epochs", s.epochs);
  visit("steps", s.steps);
  visit("batch_rows", s.batch_rows);
  visit("accumulate", s.accumulate);
  visit("learning_rate", s.learning_rate);
  visit("warm_up", s.warm_up);
  visit("learning_rate_floor", s.learning_rate_floor);
  visit("weight_decay", s.weight_decay);
  visit("beta1", s.beta1);
  visit("beta2", s.beta2);
  visit("gradient_norm_max", s.gradient_norm_max);
  visit("validation_fraction", s.validation_fraction);
  visit("validate_every", s.validate_every);
  visit("checkpoint_every", s.checkpoint_every);
  visit("patience", s.patience);
  visit("keep_best", s.keep_best);
}

template <class Visitor>
void visit_given(TrainSettings& s, Visitor&& visit) {
  visit("run", s.run);
  visit("device", s.device);
  visit("resume", s.resume);
  visit("dry_run", s.dry_run);
  visit("manifest", s.manifest);
}

bool read(const Json& value, std::string& out) { return value.is_string() && (out = value.get<std::string>(), true); }
bool read(const Json& value, bool& out) { return value.is_boolean() && (out = value.get<bool>(), true); }
bool read(const Json& value, double& out) { return value.is_number() && (out = value.get<double>(), true); }
bool read(const Json& value, std::int64_t& out) {
  return value.is_number_integer() && (out = value.get<std::int64_t>(), true);
}
bool read(const Json& value, std::uint64_t& out) {
  return value.is_number_unsigned() && (out = value.get<std::uint64_t>(), true);
}

struct Bounds {
  const char* name;
  double value, least, most;
};

Result<void> check_bounds(const TrainSettings& s) {
  const auto of = [](std::int64_t count) { return static_cast<double>(count); };
  const Bounds all[] = {{"--vocabulary", of(s.vocabulary), 256, 1e6},
                        {"--steps", of(s.steps), -1, 1e15},
                        {"--epochs", s.epochs, 1e-6, 1e6},
                        {"--batch-size", of(s.batch_rows), 1, 1e6},
                        {"--accumulate", of(s.accumulate), 1, of(s.batch_rows)},
                        {"--learning-rate", s.learning_rate, 1e-30, 10},
                        {"--warm-up", s.warm_up, 0, 1},
                        {"learning_rate_floor", s.learning_rate_floor, 0, 1},
                        {"--weight-decay", s.weight_decay, 0, 100},
                        {"beta1", s.beta1, 0, 0.999999},
                        {"beta2", s.beta2, 0, 0.999999},
                        {"gradient_norm_max", s.gradient_norm_max, 0, 1e9},
                        {"--validation-fraction", s.validation_fraction, 0, 0.9},
                        {"--validate-every", of(s.validate_every), 1, 1e15},
                        {"--checkpoint-every", of(s.checkpoint_every), 1, 1e15},
                        {"--patience", of(s.patience), 0, 1e15},
                        {"--context", of(s.context), 0, 1 << 24},
                        {"--decay-part", s.decay_part, 0, 1}};
  for (const Bounds& one : all) {
    if (one.value >= one.least && one.value <= one.most) continue;
    std::ostringstream text;
    text << "train: " << one.name << " is " << one.value << "; it must be " << one.least << " to " << one.most;
    if (one.name == std::string_view("--accumulate")) text << ", the --batch-size";
    return fail(Errc::usage, text.str());
  }
  return {};
}

Result<void> check(const TrainSettings& s) {
  if (s.device != "auto" && s.device != "cpu" && s.device != "cuda") return wrong("device");
  if (auto within = check_bounds(s); !within) return within;
  if ((s.patience > 0 || s.keep_best) && s.validation_fraction <= 0)
    return fail(Errc::usage,
                "--patience and --keep-best go by the validation loss: --validation-fraction must not be 0");
  if (s.precision != "auto" && s.precision != "fp32" && s.precision != "bf16") return wrong("precision");
  if (s.schedule != "cosine" && s.schedule != "wsd") return wrong("schedule");
  if (auto lora = check_lora(lora_settings(s)); !lora) return lora;
  if (is_pretrained(s.student)) return {};
  if (s.lora_rank > 0) return fail(Errc::usage, "LoRA: a student from scratch has nothing to keep frozen");
  if (!s.chat_template.empty())
    return fail(Errc::usage, "--chat-template is for a student that exists; one from scratch has its own");
  if (auto student = parse_student(s.student); !student) return fail(student.error());
  return {};
}

Result<void> fill(TrainSettings& settings, const Json& json, bool with_given) {
  if (!json.is_object()) return fail(Errc::usage, "train: the settings are no JSON object");
  std::string bad;
  std::size_t known = 0;
  const auto take = [&](const char* key, auto& out) {
    const auto found = json.find(key);
    if (found == json.end()) return;
    ++known;
    if (!read(*found, out) && bad.empty()) bad = key;
  };
  visit_kept(settings, take);
  if (with_given) visit_given(settings, take);
  if (!bad.empty()) return wrong(bad);
  if (known != json.size()) return fail(Errc::usage, "train: there is a setting this version does not know");
  return {};
}

// What is said and would change nothing is a mistake.
Result<void> check_used(const TrainSettings& s, const Json& given) {
  struct Idle {
    const char* key;
    const char* option;
    bool used;
    const char* without;
  };
  const bool adapters = s.lora_rank > 0;
  const Idle all[] = {{"lora_alpha", "--lora-alpha", adapters, "--lora-rank"},
                      {"lora_dropout", "--lora-dropout", adapters, "--lora-rank"},
                      {"lora_targets", "--lora-targets", adapters, "--lora-rank"},
                      {"lora_stabilised", "--rslora", adapters, "--lora-rank"},
                      {"decay_part", "--decay-part", s.schedule == "wsd", "--schedule wsd"},
                      {"vocabulary", "--vocabulary", !is_pretrained(s.student), "a --student from scratch"}};
  for (const Idle& one : all) {
    if (!one.used && given.contains(one.key))
      return fail(Errc::usage, std::string(one.option) + " does nothing without " + one.without);
  }
  return {};
}

}  // namespace

LoraSettings lora_settings(const TrainSettings& s) {
  LoraSettings lora{s.lora_rank, s.lora_alpha, s.lora_dropout, s.lora_stabilised, {}};
  std::istringstream names(s.lora_targets);
  for (std::string name; std::getline(names, name, ',');) lora.targets.push_back(name);
  return lora;
}

Result<TrainSettings> train_settings_from_json(std::string_view text) {
  const auto json = parse_json(text);
  if (!json) return fail(json.error());
  TrainSettings settings;
  if (is_pretrained(json_text(*json, "student"))) {
    const bool adapters = json_count(*json, "lora_rank").value_or(0) > 0;
    settings.learning_rate = adapters ? kAdapterLearningRate : kFineTuningLearningRate;
    settings.weight_decay = 0;
    settings.epochs = kFineTuningEpochs;
  }
  if (auto filled = fill(settings, *json, true); !filled) return fail(filled.error());
  if (auto used = check_used(settings, *json); !used) return fail(used.error());
  if (settings.run.empty() && !settings.dry_run) return wrong("run");
  if (auto checked = check(settings); !checked) return fail(checked.error());
  return settings;
}

Json train_settings_to_json(const TrainSettings& settings) {
  Json json = Json::object();
  TrainSettings copy = settings;
  visit_kept(copy, [&](const char* key, const auto& value) { json[key] = value; });
  return json;
}

Result<TrainSettings> resumed_settings(const TrainSettings& given) {
  const std::string path = given.run + "/train.json";
  const auto text = read_file(path);
  if (!text) return fail(Errc::usage, "there is no run to resume in " + given.run + " (no train.json)");
  const auto json = parse_json(*text);
  TrainSettings settings = given;
  if (!json) return fail(Errc::usage, path + ": " + json.error().message);
  if (auto filled = fill(settings, *json, false); !filled)
    return fail(Errc::usage, path + ": " + filled.error().message);
  if (auto checked = check(settings); !checked) return fail(Errc::usage, path + ": " + checked.error().message);
  return settings;
}

}  // namespace retort
