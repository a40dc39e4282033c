// The list of dialects. A new one is a codec in a file of its own and one line here.
#include "core/teacher/openai_chat.h"
#include "core/teacher/teacher.h"

namespace retort {
namespace {

struct Dialect {
  const char* name;
  std::unique_ptr<Teacher> (*make)(TeacherSettings);
};
constexpr Dialect kDialects[] = {{"openai-chat", make_openai_chat}};

}  // namespace

Result<std::unique_ptr<Teacher>> make_teacher(const std::string& dialect, TeacherSettings settings) {
  std::string known;
  for (const Dialect& entry : kDialects) {
    if (dialect == entry.name) return entry.make(std::move(settings));
    known += known.empty() ? entry.name : std::string(", ") + entry.name;
  }
  return fail(Errc::usage, "unknown api '" + dialect + "': known are " + known);
}

}  // namespace retort
