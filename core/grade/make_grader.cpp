#include "core/grade/make_grader.h"

#include <array>

#include "core/base/text.h"
#include "core/grade/choice_grader.h"
#include "core/grade/code_grader.h"
#include "core/grade/command_grader.h"
#include "core/grade/json_schema_grader.h"
#include "core/grade/math_grader.h"
#include "core/grade/number_grader.h"
#include "core/grade/regex_grader.h"
#include "core/grade/text_graders.h"

namespace retort {
namespace {

using Made = Result<std::unique_ptr<Grader>>;

struct Kind {
  std::string_view name;
  bool takes_setting;
  Made (*make)(std::string_view setting, const GraderTools& tools);
};

// A grader without settings.
template <std::unique_ptr<Grader> (*make)()>
Made plain(std::string_view, const GraderTools&) {
  return make();
}

Made from_regex(std::string_view setting, const GraderTools&) { return regex_grader(setting); }

Made from_schema(std::string_view setting, const GraderTools& tools) {
  if (setting.empty()) return json_schema_grader("");
  if (!tools.read_file) return fail(Errc::usage, "no file can be read for the grader json-schema here");
  const auto text = tools.read_file(std::string(setting));
  if (!text) return fail(text.error());
  if (trimmed(*text).empty()) return fail(Errc::usage, "the schema " + std::string(setting) + " is empty");
  return json_schema_grader(*text);
}

Made from_language(std::string_view setting, const GraderTools& tools) { return code_grader(setting, tools.sandbox); }

Made from_command(std::string_view setting, const GraderTools& tools) {
  return command_grader(setting, tools.start_program);
}

// TEACHER, or TEACHER:FILE with the rubric.
Made from_judge(std::string_view setting, const GraderTools& tools) {
  const std::size_t colon = setting.find(':');
  std::string rubric;
  if (colon != std::string_view::npos) {
    if (!tools.read_file) return fail(Errc::usage, "no rubric can be read for the grader judge here");
    const std::string path(trimmed(setting.substr(colon + 1)));
    auto text = tools.read_file(path);
    if (!text) return fail(text.error());
    if (trimmed(*text).empty()) return fail(Errc::usage, "the rubric " + path + " is empty");
    rubric = trimmed(*text);
  }
  return judge_grader(std::string(trimmed(setting.substr(0, colon))), std::move(rubric), tools.open_judge);
}

constexpr std::array kKinds{
    Kind{"exact", false, plain<exact_grader>},   Kind{"text", false, plain<text_grader>},
    Kind{"number", false, plain<number_grader>}, Kind{"math", false, plain<math_grader>},
    Kind{"choice", false, plain<choice_grader>}, Kind{"regex", true, from_regex},
    Kind{"json-schema", true, from_schema},      Kind{"code", true, from_language},
    Kind{"command", true, from_command},         Kind{"judge", true, from_judge},
};

}  // namespace

Result<std::unique_ptr<Grader>> make_grader(std::string_view spec, const GraderTools& tools) {
  const std::size_t colon = spec.find(':');
  const std::string_view name = trimmed(spec.substr(0, colon));
  const std::string_view setting = colon == std::string_view::npos ? "" : trimmed(spec.substr(colon + 1));
  std::string all;
  for (const Kind& kind : kKinds) {
    if (kind.name == name) {
      if (!kind.takes_setting && colon != std::string_view::npos)
        return fail(Errc::usage, "the grader '" + std::string(name) + "' takes no setting after a colon");
      return kind.make(setting, tools);
    }
    all += (all.empty() ? "" : ", ") + std::string(kind.name);
  }
  return fail(Errc::usage, "there is no grader '" + shortened(on_one_line(name), 80) + "'; there are: " + all);
}

}  // namespace retort
