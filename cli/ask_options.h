// How a student is asked, as options: the same for every command that asks one.
#pragma once

#include "cli/command.h"
#include "cli/student_module.h"

namespace retort {

/// --max-tokens, --temperature, --top-p, --top-k, --min-p, --stop, --seed, --batch-size. `ask` must outlive the parser.
void add_ask_options(CLI::App& command, AskSettings& ask);

}  // namespace retort
