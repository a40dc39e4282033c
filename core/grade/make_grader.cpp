#include "core/grade/make_grader.h"

#include <array>

#include "core/base/text.h"
#include "core/grade/text_graders.h"

namespace retort {
namespace {

struct Kind {
  std::string_view name;
  bool takes_setting;
  Result<std::unique_ptr<Grader>> (*make)(std::string_view setting, const GraderTools& tools);
};

constexpr std::array kKinds{
    Kind{"exact", false,
         [](std::string_view, const GraderTools&) -> Result<std::unique_ptr<Grader>> { return exact_grader(); }},
    Kind{"text", false,
         [](std::string_view, const GraderTools&) -> Result<std::unique_ptr<Grader>> { return text_grader(); }},
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
