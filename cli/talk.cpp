// Talk goes to stderr, one plain line at a time, and with times to the log file where one is asked for.
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "cli/command.h"
#include "cli/talk.h"

namespace retort {
namespace {

spdlog::logger& talker() {
  static const auto logger = [] {
    auto sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    sink->set_pattern("%v");
    auto made = std::make_shared<spdlog::logger>("retort", sink);
    made->flush_on(spdlog::level::info);
    return made;
  }();
  return *logger;
}

}  // namespace

void say(const std::string& line) { talker().info(line); }

Result<void> also_log_to(const std::string& path) {
  try {
    auto sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(path);
    sink->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %v");
    talker().sinks().push_back(std::move(sink));
    return {};
  } catch (const spdlog::spdlog_ex& problem) {
    return fail(Errc::usage, "cannot write the log file '" + path + "': " + problem.what());
  }
}

}  // namespace retort
