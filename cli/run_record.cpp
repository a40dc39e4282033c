#include "cli/run_record.h"

#include <unistd.h>

#include <array>
#include <string_view>

#include "core/base/text.h"

namespace retort {
namespace {

std::string host_name() {
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0) return "unknown";
  return to_valid_utf8(name.data());
}

}  // namespace

std::string shell_quoted(std::string_view argument) {
  constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=+:,./@%^";
  if (!argument.empty() && argument.find_first_not_of(kPlain) == std::string_view::npos) return std::string(argument);
  std::string result = "'";
  for (const char c : argument) c == '\'' ? result += "'\\''" : result += c;
  return result + "'";
}

RunStart run_start(const Edges& edges, std::string command, Json configuration) {
  std::string arguments;
  for (const std::string& argument : edges.command_line) {
    arguments += (arguments.empty() ? "" : " ") + shell_quoted(argument);
  }
  return {std::move(command), to_valid_utf8(arguments), RETORT_VERSION, host_name(), std::move(configuration)};
}

}  // namespace retort
