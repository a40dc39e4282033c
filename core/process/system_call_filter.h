// What a program in the sandbox may not ask the kernel for.
#pragma once

#include <string>

namespace retort {

/// A seccomp program, as bubblewrap takes it: memory that no limit counts (System V segments, message queues, memory
/// files, huge pages), tracing, keys, namespaces, and the newest doors of the kernel are refused with EPERM; system
/// calls of another architecture end the program. Empty on a machine whose calls it does not know.
std::string system_call_filter();

}  // namespace retort
