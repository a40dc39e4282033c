// Evaluations side by side.
#pragma once

#include <string>
#include <vector>

#include "cli/command.h"

namespace retort {

/// Prints a table (or JSON): each evaluation, and its difference to the first over the problems that both have, with
/// the 95 % interval of paired_difference(). Names as read_tally() takes them.
Result<int> compare_evaluations(CorpusOpener& corpora, const std::vector<std::string>& names, bool json);

}  // namespace retort
