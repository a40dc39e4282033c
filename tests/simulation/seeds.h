// Worlds from seeds: what each has of prompts, processes, limits, faults, power cuts, full disks and sleep is drawn
// from its number alone.
#pragma once

#include <cstdint>
#include <string>

#include "tests/simulation/world.h"

namespace retort::simulation {

WorldSettings drawn_from(std::uint64_t seed);

/// The drawn settings in a few lines, for people who replay a seed.
std::string described(const WorldSettings& world);

/// One finding a line.
std::string joined(const Findings& findings);

}  // namespace retort::simulation
