#pragma once

#include <string>
#include <vector>

#include "cli/command.h"

namespace retort {

/// Parses one command line (without the program's name) and does what it says. Returns the exit status; an error has
/// been told on stderr. Used by main and by `retort demo`, which is nothing but a list of command lines.
int run_command_line(const std::vector<std::string>& words, Edges& edges);

}  // namespace retort
