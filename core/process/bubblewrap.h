// The sandbox: bubblewrap's namespaces, limits of prlimit, a filter of system calls, and an eye on time and memory.
#pragma once

#include <functional>
#include <memory>

#include "core/base/clock.h"
#include "core/grade/sandbox.h"

namespace retort {

/// A program sees /usr read-only, its own /proc, a bare /dev, and two folders in memory (/sandbox, where it starts, and
/// /tmp); no home, no /etc but what the linker needs, no network, no user but nobody. `should_stop` is asked ten times
/// a second. Nothing is checked or started before the first run().
std::unique_ptr<Sandbox> make_bubblewrap(const Clock& clock, std::function<bool()> should_stop);

/// Resident memory of a process and all it started, in bytes, from /proc.
std::uint64_t resident_bytes(int process);

}  // namespace retort
