// `retort merge`.
#pragma once

#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "core/corpus/merge.h"

namespace retort {

void add_merge(CLI::App& app, Action& action);

/// Said once, by main.cpp: what joins corpora.
void merge_by(MergeCorpora merge);

}  // namespace retort
