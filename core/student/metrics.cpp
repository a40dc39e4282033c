#include "core/student/metrics.h"

#include <unistd.h>

#include <utility>
#include <vector>

#include "core/base/files.h"
#include "core/student/event_file.h"

namespace retort {

Metrics::Metrics(const retort_host& host, const Clock& clock, const std::string& run)
    : host_(host),
      clock_(clock),
      lines_path_(run + "/metrics.jsonl"),
      // TensorBoard takes every file with "tfevents" in its name.
      events_path_(run + "/events.out.tfevents.0.retort") {}

Result<void> Metrics::begin(std::int64_t steps_kept) {
  if (auto begun = begin_lines(steps_kept); !begun) return begun;
  return begin_events(steps_kept);
}

Result<void> Metrics::begin_lines(std::int64_t steps_kept) {
  std::string kept;
  std::ifstream old(lines_path_);
  for (std::string line; steps_kept > 0 && std::getline(old, line);) {
    const auto json = parse_json(line);
    if (json && json_count(*json, "step").value_or(0) <= steps_kept && json_text(*json, "event") != "end")
      kept += line + "\n";
  }
  if (auto written = replace_file(lines_path_, kept); !written) return written;
  lines_.open(lines_path_, std::ios::app);
  return {};
}

Result<void> Metrics::begin_events(std::int64_t steps_kept) {
  std::string kept;
  if (steps_kept > 0) {
    if (const auto old = read_file(events_path_)) kept = events_until(*old, steps_kept);
  }
  if (kept.empty()) kept = event_file_start(wall_seconds());
  if (auto written = replace_file(events_path_, kept); !written) return written;
  events_.open(events_path_, std::ios::app | std::ios::binary);
  return {};
}

void Metrics::write(const Json& event) {
  const std::string line = dump_json(event);
  host_.emit(host_.context, {line.data(), line.size()});
  lines_ << line << '\n';

  static constexpr std::pair<const char*, const char*> kTags[] = {{"loss", "train/loss"},
                                                                  {"lr", "train/learning_rate"},
                                                                  {"grad_norm", "train/gradient_norm"},
                                                                  {"tokens_per_second", "speed/tokens_per_second"},
                                                                  {"memory_bytes", "speed/memory_bytes"},
                                                                  {"validation_loss", "validation/loss"}};
  std::vector<Scalar> scalars;
  for (const auto& [key, tag] : kTags) {
    const auto value = event.find(key);
    if (value != event.end() && value->is_number()) scalars.emplace_back(tag, value->get<double>());
  }
  const std::string kind = json_text(event, "event");
  if (scalars.empty() || (kind != "step" && kind != "validation")) return;
  events_ << event_record(wall_seconds(), json_count(event, "step").value_or(0), scalars);
}

void Metrics::flush() {
  lines_.flush();
  events_.flush();
}

double Metrics::wall_seconds() const { return static_cast<double>(clock_.wall().ms) / 1000; }

std::int64_t memory_in_use() {
  std::ifstream file("/proc/self/statm");
  std::int64_t size = 0, resident = 0;
  file >> size >> resident;
  return file ? resident * sysconf(_SC_PAGESIZE) : 0;
}

}  // namespace retort
