#include "core/student/train_plan.h"

#include <sys/resource.h>

#include <algorithm>

#include "core/student/out_of_memory.h"

namespace retort {
namespace {

constexpr std::size_t kRowsShown = 3;
constexpr std::int64_t kStepsMeasured = 2;

std::int64_t most_memory_held() {
  rusage usage{};
  return getrusage(RUSAGE_SELF, &usage) == 0 ? static_cast<std::int64_t>(usage.ru_maxrss) * 1024 : 0;
}

Json shown_rows(const StudentChat& chat, const Rows& rows) {
  Json shown = Json::array();
  for (std::size_t i = 0; i < std::min(kRowsShown, rows.size()); ++i) {
    const Rows::Row row = rows[i];
    shown.push_back({{"response", row.id},
                     {"tokens", row.tokens.size()},
                     {"learned_tokens", row.targets()},
                     {"given", chat.tokenizer().decode(row.tokens.first(row.learned_from), true)},
                     {"learned", chat.tokenizer().decode(row.tokens.subspan(row.learned_from), true)}});
  }
  return shown;
}

}  // namespace

Result<void> tell_plan(const TrainSettings& settings, const ModelConfig& config, const StudentChat& chat,
                       const TrainData& data, Trainer& trainer, const Clock& clock, const retort_host& host) {
  const std::int64_t steps = trainer.steps_in_all(), learned = trainer.model().parameters().numel();
  const double pairs = static_cast<double>(data.train.size());
  const double times_seen = static_cast<double>(steps) * static_cast<double>(settings.batch_rows) / pairs;
  Json plan = {{"event", "plan"},
               {"steps", steps},
               {"epochs", times_seen},
               {"pairs", data.train.size()},
               {"validation_pairs", data.validation.size()},
               {"tokens", data.train.tokens()},
               {"learned_tokens", data.train.targets()},
               {"truncated", data.truncated},
               {"dropped", data.dropped},
               {"vocabulary", config.vocabulary},
               {"parameters", config.parameters()},
               {"learned_parameters", learned},
               {"device", trainer.model().device().is_cuda() ? "cuda" : "cpu"},
               {"state_bytes", state_bytes(config.parameters(), learned, settings.lora_rank > 0)},
               {"rows", shown_rows(chat, data.train)}};
  double took = 0, tokens = 0;
  for (std::int64_t step = 0; step < std::min(steps, kStepsMeasured); ++step) {
    if (host.should_stop(host.context) != 0) return fail(Errc::interrupted, "interrupted while measuring a step");
    const Instant begun = clock.now();
    const auto report = trainer.step();
    if (!report) return fail(report.error());
    // The first step also makes what later ones find ready: it counts only if it is alone.
    took = seconds(clock.now() - begun);
    tokens = static_cast<double>(report->tokens);
  }
  if (tokens > 0) {
    plan["tokens_per_second"] = tokens / std::max(took, 1e-9);
    plan["seconds"] = took / tokens * static_cast<double>(data.train.tokens()) * times_seen;
    if (trainer.model().device().is_cpu()) plan["memory_bytes"] = most_memory_held();
  }
  const std::string line = dump_json(plan);
  host.emit(host.context, {line.data(), line.size()});
  return {};
}

}  // namespace retort
