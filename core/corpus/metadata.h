// What is kept of the fields of a row that nothing else uses.
#pragma once

#include "core/base/json.h"

namespace retort {

/// The fields themselves, or null if there are none. Data sets often have theirs together in one object `metadata`: its
/// members stand among the others, which win.
Json metadata_of(Json fields);

}  // namespace retort
