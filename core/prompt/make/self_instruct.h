// Self-Instruct (Wang et al. 2022, arXiv:2212.10560): a teacher is shown a few tasks and writes more of the kind. Here
// are the pure halves: the question, and which of the tasks in its answer are kept.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/json.h"
#include "core/base/random.h"

namespace retort {

/// Positions of the tasks to show, in random order: six of the seeds and two of those that were made, as in the paper;
/// more seeds while fewer were made, fewer where there are not so many. Seeds come first in the pool.
std::vector<std::size_t> choose_examples(std::size_t seeds, std::size_t made, Random& random);

/// Asks for `wanted` more tasks after the examples.
Json self_instruct_messages(const std::vector<std::string>& examples, int wanted);

/// Why a task is dropped before it is compared with others (the paper's heuristics: length, what a language model
/// cannot do, a beginning that is no text); empty if it is not.
std::string why_no_task(std::string_view task);

/// How many things were dropped, by reason.
using Dropped = std::map<std::string, std::int64_t>;

}  // namespace retort
