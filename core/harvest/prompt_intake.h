#pragma once

#include <optional>

#include "core/harvest/harvester.h"
#include "core/harvest/planner.h"
#include "core/prompt/prompt_feed.h"

namespace retort {

/// Moves rows from the feed to the planner while that has room. An unusable row is told and passed over, or, if the
/// settings say so, is why the harvest stops.
std::optional<Error> take_prompts(PromptFeed& prompts, Planner& planner, const Teacher& teacher,
                                  const HarvestSettings& settings, HarvestStats& stats, HarvestObserver& observer);

}  // namespace retort
