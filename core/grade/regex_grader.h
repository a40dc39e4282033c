// `regex`: an answer that a regular expression finds.
#pragma once

#include <memory>
#include <string_view>

#include "core/base/result.h"
#include "core/grade/grader.h"

namespace retort {

/// Right if PCRE2's `pattern` matches anywhere in the answer; anchors are the pattern's business. Its first group, if
/// it has one and the row a reference, must then equal the reference. With an empty pattern the reference is the
/// pattern. Steps and memory of a match are limited: what needs more is ungradable. Errc::usage says where a pattern is
/// wrong.
Result<std::unique_ptr<Grader>> regex_grader(std::string_view pattern);

}  // namespace retort
