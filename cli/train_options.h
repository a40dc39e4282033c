// How a student is trained, as options.
#pragma once

#include "cli/command.h"

namespace retort {

/// Options whose default the module knows: only what is typed comes into `settings`, which must outlive the parser.
/// None goes together with `resume`: a resumed run keeps the settings it began with.
void add_train_settings(CLI::App& command, Json& settings, CLI::Option* resume);

}  // namespace retort
