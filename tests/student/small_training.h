// The module through its C border, as retort uses it, with a lesson that is learned in a second.
#pragma once

#include <fstream>
#include <string>
#include <vector>

#include "core/base/files.h"
#include "core/base/json.h"
#include "tests/student/support.h"

extern "C" const retort_student* retort_student_entry(uint32_t host_abi);

namespace retort {

struct TestPair {
  std::string question, reasoning, answer;
};

// One-digit sums: enough to be learned by heart in a second.
inline std::vector<TestPair> sums() {
  std::vector<TestPair> pairs;
  for (int a = 0; a < 8; ++a) {
    for (int b = 0; b < 8; ++b) {
      const std::string x = std::to_string(a), y = std::to_string(b);
      pairs.push_back({"What is " + x + " + " + y + "?", x + "+" + y, std::to_string(a + b)});
    }
  }
  return pairs;
}

struct Host {
  std::vector<TestPair> pairs = sums();
  std::vector<Json> events;
  std::int64_t stop_at_step = -1;
  bool fails = false;

  std::int64_t steps() const { return events.empty() ? 0 : json_count(events.back(), "step").value_or(0); }

  retort_host callbacks() { return {this, read, emit, stop}; }
  static int read(void* context, retort_take_pair take, void* sink) {
    auto& self = *static_cast<Host*>(context);
    if (self.fails) return 1;
    std::int64_t id = 0;
    for (const TestPair& pair : self.pairs) {
      const std::string messages = Json::array({{{"role", "user"}, {"content", pair.question}}}).dump();
      const auto text = [](const std::string& s) { return retort_text{s.data(), s.size()}; };
      const retort_pair raw{++id, text(messages), text(pair.reasoning), text(pair.answer)};
      if (take(sink, &raw) != 0) return 0;
    }
    return 0;
  }
  static void emit(void* context, retort_text line) {
    static_cast<Host*>(context)->events.push_back(*parse_json({line.data, line.size}));
  }
  static int stop(void* context) {
    auto& self = *static_cast<Host*>(context);
    return self.stop_at_step >= 0 && self.steps() >= self.stop_at_step ? 1 : 0;
  }
};

struct Outcome {
  retort_status status;
  std::string message;
};

inline Outcome train(Host& host, const std::string& run, Json settings) {
  settings["run"] = run;
  settings["device"] = "cpu";
  const std::string text = settings.dump();
  retort_failure failure{};
  const retort_host callbacks = host.callbacks();
  const auto status = retort_student_entry(RETORT_STUDENT_ABI)->train({text.data(), text.size()}, &callbacks, &failure);
  return {status, failure.message};
}

inline Json quick(std::int64_t steps) {
  return {{"student", "new:d=32,layers=2,heads=2"},
          {"steps", steps},
          {"batch_rows", 8},
          {"learning_rate", 5e-3},
          {"vocabulary", 300},
          {"validation_fraction", 0.1},
          {"checkpoint_every", 1000},
          {"validate_every", 7}};
}

// Losses, as they were written, with every digit; times left out.
inline std::vector<std::string> losses(const std::string& run) {
  std::vector<std::string> all;
  std::ifstream in(run + "/metrics.jsonl");
  for (std::string line; std::getline(in, line);) {
    Json event = *parse_json(line);
    const std::string kind = json_text(event, "event");
    if (kind != "step" && kind != "validation") continue;
    for (const char* key : {"seconds", "tokens_per_second", "memory_bytes"}) event.erase(key);
    all.push_back(event.dump());
  }
  return all;
}

inline std::string weights(const std::string& run) { return *read_file(run + "/model.safetensors"); }

}  // namespace retort
