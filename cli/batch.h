// `retort batch`, and what other commands say of what is under way in batches.
#pragma once

#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "core/corpus/batch.h"

namespace retort {

void add_batch(CLI::App& app, Action& action);

/// Said once, by main.cpp: where the batches of corpora are.
void use_batches_of(BatchCorpora& corpora);
BatchCorpora& batch_corpora();

/// Over all batches of a corpus, or those of one teacher.
struct UnderWay {
  std::int64_t requests = 0;
  Usd reserved;  ///< for them
};
Result<UnderWay> under_way(const std::string& corpus);

}  // namespace retort
