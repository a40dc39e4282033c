#include "core/text/jinja/template.h"

#include "core/base/text.h"
#include "core/text/jinja/evaluator.h"

namespace retort::jinja {
namespace {

constexpr std::size_t kSourceMax = 1U << 20;

Failure refused(const Fault& fault) {
  return fail(Errc::usage,
              "chat template, line " + std::to_string(fault.line) + ": " + shortened(on_one_line(fault.message), 200));
}

}  // namespace

Result<Template> Template::parse(std::string_view source) {
  if (source.size() > kSourceMax || !is_valid_utf8(source))
    return fail(Errc::usage, "chat template: no UTF-8, or more than 1 MiB");
  try {
    Template made;
    made.tree_ = jinja::parse(source);
    return made;
  } catch (const Fault& fault) {
    return refused(fault);
  }
}

Result<Text> Template::render(const std::vector<std::pair<std::string, Value>>& values, std::int64_t now) const {
  try {
    const auto globals = std::make_shared<Scope>();
    add_globals(*globals);
    for (const auto& [name, value] : values) globals->names[name] = value;
    return Evaluator({}, now).render(*tree_, globals);
  } catch (const Fault& fault) {
    return refused(fault);
  }
}

}  // namespace retort::jinja
