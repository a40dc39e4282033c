// One [teacher.NAME] table, key by key: every key is known or refused by name.
#pragma once

#include <string>

#include <toml++/toml.h>

#include "cli/config.h"
#include "core/base/result.h"

namespace retort {

/// Errc::usage with `path`, table, key and the first problem. Pure.
Result<TeacherProfile> read_profile(const toml::table& table, const std::string& path, const std::string& name);

}  // namespace retort
