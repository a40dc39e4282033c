// Answers of a student, many prompts at once. Rows of different lengths share a batch and give what each would give
// alone.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/student/run_folder.h"

namespace retort {

struct GenerateSettings {
  std::int64_t tokens_max = 256;  ///< of an answer; the context is a bound as well
  double temperature = 0;         ///< 0: always the likeliest token
  double top_p = 1;               ///< with a temperature: only the likeliest tokens that together have this probability
  std::int64_t top_k = 0;         ///< with a temperature: only so many of the likeliest; 0: all
  double min_p = 0;               ///< with a temperature: only tokens at least so likely, relative to the likeliest
  std::vector<std::string> stop{};  ///< an answer ends before the first of these texts
  std::uint64_t seed = 0;           ///< each prompt draws from a generator of its own, by its index
  std::int64_t batch_rows = 128;    ///< prompts at once
};

struct Generated {
  Completion completion;
  bool ended = false;       ///< the student ended its turn, or wrote a text of `stop`; else it was cut
  std::int64_t tokens = 0;  ///< written, the end included
  std::string problem{};    ///< why this prompt could not be asked; then there is nothing else
};

/// One for each prompt, in order. `stop` is asked between tokens. Errc::interrupted.
Result<std::vector<Generated>> generate(const LoadedRun& run, const std::vector<Json>& prompts,
                                        const GenerateSettings& settings, const std::function<bool()>& stop);

}  // namespace retort
