// What the corpus keeps about an invocation: the command as it was typed, the version, the host.
#pragma once

#include <string>
#include <string_view>

#include "cli/command.h"

namespace retort {

/// `configuration`: the settings as they were resolved, without secrets.
RunStart run_start(const Edges& edges, std::string command, Json configuration);

/// As a shell takes it: plain words as they are, everything else in single quotes.
std::string shell_quoted(std::string_view argument);

}  // namespace retort
