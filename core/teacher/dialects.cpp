// The list of dialects. A new one is a codec in a file of its own and one line here.
#include "core/teacher/anthropic.h"
#include "core/teacher/gemini.h"
#include "core/teacher/ollama.h"
#include "core/teacher/openai_chat.h"
#include "core/teacher/openai_completions.h"
#include "core/teacher/openai_responses.h"
#include "core/teacher/teacher.h"

namespace retort {
namespace {

struct Dialect {
  const char* name;
  std::unique_ptr<Teacher> (*make)(TeacherSettings);
};
constexpr Dialect kDialects[] = {
    {"openai-chat", make_openai_chat},
    {"openai-responses", make_openai_responses},
    {"openai-completions", make_openai_completions},
    {"anthropic", make_anthropic},
    {"gemini", make_gemini},
    {"ollama", make_ollama},
};

}  // namespace

std::vector<std::string> dialect_names() {
  std::vector<std::string> names;
  for (const Dialect& entry : kDialects) names.emplace_back(entry.name);
  return names;
}

Result<std::unique_ptr<Teacher>> make_teacher(const std::string& dialect, TeacherSettings settings) {
  std::string known;
  for (const Dialect& entry : kDialects) {
    if (dialect == entry.name) return entry.make(std::move(settings));
    known += known.empty() ? entry.name : std::string(", ") + entry.name;
  }
  return fail(Errc::usage, "unknown api '" + dialect + "': known are " + known);
}

}  // namespace retort
