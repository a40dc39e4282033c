#include "cli/student_module.h"

#include <cstdlib>

#include "cli/command.h"
#include "core/base/module_file.h"
#include "core/student/module.h"

namespace retort {
namespace {

constexpr const char* kFileName = "retort-student.so";

retort_text text_of(const std::string& text) { return {text.data(), text.size()}; }

Failure failure_of(retort_status status, const retort_failure& failure) {
  const std::string message = failure.message;
  switch (status) {
    case RETORT_STATUS_USAGE:
      return fail(Errc::usage, message);
    case RETORT_STATUS_DISK:
      return fail(Errc::disk, message);
    case RETORT_STATUS_INTERRUPTED:
      return fail(Errc::interrupted, message);
    default:
      return fail(Errc::internal, message);
  }
}

// What the module calls while it trains. It must not see an exception, and we keep our own error.
struct TrainContext {
  const TrainHost& host;
  Result<void> read = {};
};

int on_read_pairs(void* context, retort_take_pair take, void* sink) {
  auto& self = *static_cast<TrainContext*>(context);
  bool stopped = false;
  self.read = self.host.read_pairs([&](const Pair& pair) -> Result<void> {
    const std::string messages = dump_json(pair.messages);
    const retort_pair raw{pair.response, text_of(messages), text_of(pair.answer.reasoning), text_of(pair.answer.text)};
    if (take(sink, &raw) == 0) return {};
    stopped = true;
    return fail(Errc::interrupted, "stopped");
  });
  return self.read || stopped ? 0 : 1;
}

void on_train_event(void* context, retort_text line) {
  const auto event = parse_json({line.data, line.size});
  if (event) static_cast<TrainContext*>(context)->host.on_event(*event);
}

int on_train_stop(void* context) { return static_cast<TrainContext*>(context)->host.should_stop() ? 1 : 0; }

int no_pairs(void*, retort_take_pair, void*) { return 1; }

void on_answer(void* context, retort_text line) {
  const auto json = parse_json({line.data, line.size});
  if (!json) return;
  static_cast<std::vector<StudentAnswer>*>(context)->push_back(
      {json_text(*json, "text"), json_text(*json, "reasoning"), json_text(*json, "finish") == "stop",
       json_count(*json, "tokens").value_or(0), json_text(*json, "problem")});
}

int on_ask_stop(void*) { return interrupted() ? 1 : 0; }

}  // namespace

Result<StudentModule> StudentModule::load() {
  // Threads that spin while they wait make training several times slower on a busy machine. Read when libgomp starts.
  setenv("OMP_WAIT_POLICY", "passive", 0);
  const OpenedModule opened = open_module(kFileName, "RETORT_STUDENT_MODULE", RETORT_STUDENT_ENTRY);
  if (!opened.place.empty()) {
    const auto entry = reinterpret_cast<retort_student_entry_function>(opened.entry);
    const retort_student* module = entry == nullptr ? nullptr : entry(RETORT_STUDENT_ABI);
    if (module != nullptr) return StudentModule(*module);
    return fail(Errc::usage,
                "the student module " + opened.place + " is of another version of retort: build both together");
  }
  return fail(Errc::usage,
              "the student module (" + std::string(kFileName) + ") is not there" + opened.problem +
                  ": install libtorch-dev and build with -DRETORT_STUDENT=ON, or name it in RETORT_STUDENT_MODULE");
}

std::string StudentModule::description() const { return module_->description; }

Result<void> StudentModule::train(const Json& settings, const TrainHost& host) const {
  TrainContext context{host};
  const retort_host callbacks{&context, on_read_pairs, on_train_event, on_train_stop};
  const std::string text = dump_json(settings);
  retort_failure failure{};
  const retort_status status = module_->train(text_of(text), &callbacks, &failure);
  if (status == RETORT_STATUS_OK) return {};
  if (status == RETORT_STATUS_HOST && !context.read) return context.read;
  return failure_of(status, failure);
}

Result<std::unique_ptr<Student>> StudentModule::open(const std::string& run, const std::string& device) const {
  const std::string settings = dump_json({{"run", run}, {"device", device}});
  retort_session* session = nullptr;
  retort_failure failure{};
  const retort_status status = module_->open(text_of(settings), &session, &failure);
  if (status != RETORT_STATUS_OK) return failure_of(status, failure);
  return std::make_unique<Student>(*module_, session);
}

Student::~Student() { module_.close(session_); }

Result<std::vector<StudentAnswer>> Student::ask(const std::vector<Json>& prompts, const AskSettings& settings) {
  const std::string request = dump_json({{"prompts", prompts},
                                         {"max_tokens", settings.tokens_max},
                                         {"temperature", settings.temperature},
                                         {"top_p", settings.top_p},
                                         {"top_k", settings.top_k},
                                         {"min_p", settings.min_p},
                                         {"stop", settings.stop},
                                         {"seed", settings.seed},
                                         {"batch_size", settings.batch_size}});
  std::vector<StudentAnswer> answers;
  const retort_host callbacks{&answers, no_pairs, on_answer, on_ask_stop};
  retort_failure failure{};
  const retort_status status = module_.generate(session_, text_of(request), &callbacks, &failure);
  if (status != RETORT_STATUS_OK) return failure_of(status, failure);
  RETORT_ASSERT(answers.size() == prompts.size());
  return answers;
}

}  // namespace retort
