// The words of a command line that shape an answer: the common ones as options, all others as --set NAME=VALUE.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "cli/config.h"
#include "core/base/result.h"

namespace retort {

struct SamplingFlags {
  std::optional<double> temperature, top_p, min_p;
  std::optional<std::int64_t> top_k, seed, max_tokens, top_logprobs, reasoning_budget;
  std::vector<std::string> stop;
  bool logprobs = false;
  std::string reasoning_effort;
  std::vector<std::string> set;
};

/// `flags` must outlive the command.
void add_sampling_options(CLI::App& command, SamplingFlags& flags);

/// Lays what was given over the profile's parameters. Errc::usage for what is no sampling parameter.
Result<void> apply_sampling(const SamplingFlags& flags, TeacherProfile& profile);

}  // namespace retort
