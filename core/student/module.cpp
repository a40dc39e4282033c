// The module's one symbol. Every exception ends here: torch throws c10::Error, the standard library bad_alloc.
#include "core/student/module.h"

#include <cstdio>
#include <exception>
#include <functional>

#include "core/base/text.h"
#include "core/student/generate.h"
#include "core/student/out_of_memory.h"
#include "core/student/train_job.h"

struct retort_session {
  retort::LoadedRun run;
};

namespace retort {
namespace {

retort_status status_of(Errc code) {
  switch (code) {
    case Errc::usage:
      return RETORT_STATUS_USAGE;
    case Errc::disk:
      return RETORT_STATUS_DISK;
    case Errc::interrupted:
      return RETORT_STATUS_INTERRUPTED;
    default:
      return RETORT_STATUS_INTERNAL;
  }
}

retort_status told(retort_status status, const std::string& message, retort_failure* failure) {
  std::snprintf(failure->message, sizeof failure->message, "%s",
                shortened(on_one_line(message), sizeof failure->message - 8).c_str());
  return status;
}

retort_status guarded(retort_failure* failure, const std::function<Result<void>()>& job,
                      const bool& host_failed = false) {
  try {
    const Result<void> result = job();
    if (result) return RETORT_STATUS_OK;
    if (host_failed) return told(RETORT_STATUS_HOST, result.error().message, failure);
    return told(status_of(result.error().code), result.error().message, failure);
  } catch (const c10::Error& error) {
    if (is_out_of_memory(error)) return told(RETORT_STATUS_USAGE, out_of_memory(), failure);
    return told(RETORT_STATUS_INTERNAL, std::string("libtorch: ") + error.what_without_backtrace(), failure);
  } catch (const std::exception& error) {
    if (is_out_of_memory(error)) return told(RETORT_STATUS_USAGE, out_of_memory(), failure);
    return told(RETORT_STATUS_INTERNAL, error.what(), failure);
  } catch (...) {
    return told(RETORT_STATUS_INTERNAL, "an unknown exception", failure);
  }
}

std::string_view view(retort_text text) { return {text.data, text.size}; }

retort_status train(retort_text settings, const retort_host* host, retort_failure* failure) {
  bool host_failed = false;
  return guarded(
      failure,
      [&]() -> Result<void> {
        const auto parsed = train_settings_from_json(view(settings));
        if (!parsed) return fail(parsed.error());
        return run_train_job(*parsed, *host, host_failed);
      },
      host_failed);
}

retort_status open(retort_text settings, retort_session** session, retort_failure* failure) {
  return guarded(failure, [&]() -> Result<void> {
    const auto json = parse_json(view(settings));
    if (!json) return fail(json.error());
    const std::string device = json_text(*json, "device");
    const auto chosen = choose_device(device.empty() ? "auto" : device);
    if (!chosen) return fail(chosen.error());
    prepare_process();
    auto run = load_run(json_text(*json, "run"), *chosen);
    if (!run) return fail(run.error());
    *session = new retort_session{std::move(*run)};
    return {};
  });
}

Result<GenerateSettings> generate_settings(const Json& json) {
  GenerateSettings settings;
  settings.tokens_max = json_count(json, "max_tokens").value_or(settings.tokens_max);
  settings.seed = static_cast<std::uint64_t>(json_count(json, "seed").value_or(0));
  settings.batch_rows = json_count(json, "batch_size").value_or(settings.batch_rows);
  settings.top_k = json_count(json, "top_k").value_or(0);
  for (const Json& text : json_child(json, "stop")) {
    if (!text.is_string() || text.get_ref<const std::string&>().empty())
      return fail(Errc::usage, "generate: stop must be texts that are not empty");
    settings.stop.push_back(text.get<std::string>());
  }
  const Json min_p = json.value("min_p", Json(0.0));
  if (!min_p.is_number() || !(min_p.get<double>() >= 0 && min_p.get<double>() <= 1))
    return fail(Errc::usage, "generate: min_p must be 0 to 1");
  settings.min_p = min_p.get<double>();
  const Json temperature = json.value("temperature", Json(0.0)), top_p = json.value("top_p", Json(1.0));
  const bool numbers = temperature.is_number() && top_p.is_number();
  if (numbers) {
    settings.temperature = temperature.get<double>();
    settings.top_p = top_p.get<double>();
  }
  if (!numbers || !(settings.temperature >= 0 && settings.temperature <= 100) ||
      !(settings.top_p > 0 && settings.top_p <= 1) || settings.tokens_max < 1 || settings.batch_rows < 1) {
    return fail(
        Errc::usage,
        "generate: temperature must be 0 to 100, top_p above 0 and at most 1, max_tokens and batch_size at least 1");
  }
  return settings;
}

retort_status generate_answers(retort_session* session, retort_text request, const retort_host* host,
                               retort_failure* failure) {
  return guarded(failure, [&]() -> Result<void> {
    const auto json = parse_json(view(request));
    if (!json) return fail(json.error());
    const auto settings = generate_settings(*json);
    if (!settings) return fail(settings.error());
    const Json& prompts = json_child(*json, "prompts");
    const auto answers = generate(session->run, std::vector<Json>(prompts.begin(), prompts.end()), *settings,
                                  [&] { return host->should_stop(host->context) != 0; });
    if (!answers) return fail(answers.error());
    for (std::size_t i = 0; i < answers->size(); ++i) {
      const Generated& answer = (*answers)[i];
      Json event = {{"event", "completion"},
                    {"index", i},
                    {"text", answer.completion.text},
                    {"reasoning", answer.completion.reasoning},
                    {"finish", answer.ended ? "stop" : "length"},
                    {"tokens", answer.tokens}};
      if (!answer.problem.empty()) event["problem"] = answer.problem;
      const std::string line = dump_json(event);
      host->emit(host->context, {line.data(), line.size()});
    }
    return {};
  });
}

void close(retort_session* session) { delete session; }

}  // namespace
}  // namespace retort

extern "C" __attribute__((visibility("default"))) const retort_student* retort_student_entry(uint32_t host_abi) {
  static const std::string description =
      std::string("libtorch ") + TORCH_VERSION + (torch::cuda::is_available() ? ", CUDA" : ", CPU");
  static const retort_student student{RETORT_STUDENT_ABI, description.c_str(),      retort::train,
                                      retort::open,       retort::generate_answers, retort::close};
  return host_abi == RETORT_STUDENT_ABI ? &student : nullptr;
}
