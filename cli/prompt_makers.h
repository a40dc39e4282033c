// The parts of `retort prompts` that ask a teacher.
#pragma once

#include "cli/command.h"

namespace retort {

void add_prompt_makers(CLI::App& prompts, Action& action);

}  // namespace retort
