// What `retort train --dry-run` tells.
#pragma once

#include "core/base/json.h"

namespace retort {

/// The module's "plan" event, for a person or as a line of JSON, on stdout.
void print_train_plan(const Json& plan, bool json);

}  // namespace retort
