// What a corpus wants, as a source of prompts: the likeliest to gain first.
#pragma once

#include <memory>
#include <string>

#include "core/corpus/corpus.h"
#include "core/harvest/harvester.h"
#include "core/prompt/prompt_source.h"

namespace retort {

/// Each row asks so many samples that the prompt has as many as are wanted of all teachers and ways of asking together:
/// those asked otherwise than `settings` does (dialect, model, parameters) count, and are not asked again. Owns the
/// reader.
std::unique_ptr<PromptSource> make_wanted_source(std::unique_ptr<CorpusReader> reader, const HarvestSettings& settings);

}  // namespace retort
