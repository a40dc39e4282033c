// The student's libtorch costs half a second to load and need not be installed where one only harvests: so it lives in
// a module that is opened on first use. This is the module's C border, as C++.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/base/json.h"
#include "core/base/result.h"
#include "core/corpus/records.h"

struct retort_student;
struct retort_session;

namespace retort {

/// What a training run needs from here.
struct TrainHost {
  /// Hands over every pair, the same ones at each call; stops at the first error of `use`.
  std::function<Result<void>(const std::function<Result<void>(const Pair&)>& use)> read_pairs;
  std::function<void(const Json& event)> on_event;
  std::function<bool()> should_stop;
};

struct StudentAnswer {
  std::string text;
  std::string reasoning;
  bool ended = false;  ///< by the student itself; else cut at the limit
  std::int64_t tokens = 0;
  std::string problem{};  ///< why it was not asked, such as a prompt that is too long; then there is no answer
};

/// How a student is asked.
struct AskSettings {
  std::int64_t tokens_max = 256;
  double temperature = 0;
  double top_p = 1;
  std::int64_t top_k = 0;         ///< 0: all tokens
  double min_p = 0;               ///< relative to the likeliest
  std::vector<std::string> stop;  ///< texts that end an answer
  std::uint64_t seed = 0;
  std::int64_t batch_size = 128;
};

/// A trained run, open for questions. Made by StudentModule; the module stays loaded until the process ends.
class Student {
 public:
  Student(const retort_student& module, retort_session* session) : module_(module), session_(session) {}
  Student(const Student&) = delete;
  Student& operator=(const Student&) = delete;
  ~Student();
  /// One answer for each prompt (arrays of messages), in order.
  Result<std::vector<StudentAnswer>> ask(const std::vector<Json>& prompts, const AskSettings& settings);

 private:
  const retort_student& module_;
  retort_session* session_;
};

class StudentModule {
 public:
  /// Looks for retort-student.so at $RETORT_STUDENT_MODULE, beside the executable and in the library folders next to
  /// its own. Errc::usage says how to get it.
  static Result<StudentModule> load();

  /// "libtorch 1.13.0, CPU"
  std::string description() const;
  /// Settings as core/student/train_settings.h lists them.
  Result<void> train(const Json& settings, const TrainHost& host) const;
  Result<std::unique_ptr<Student>> open(const std::string& run, const std::string& device) const;

 private:
  explicit StudentModule(const retort_student& module) : module_(&module) {}
  const retort_student* module_;
};

}  // namespace retort
