// Libraries that are large and not always there (libtorch, Arrow) are linked by modules of ours, shared objects that
// are opened on first use: so the program starts in milliseconds, and runs where they are missing.
#pragma once

#include <string>

namespace retort {

struct OpenedModule {
  void* entry = nullptr;  ///< the address of the symbol asked for; null if there is none
  std::string place;      ///< the file that was opened; empty: none could be
  std::string problem;    ///< " (why a file that is there cannot be opened)", or empty
};

/// Looks for the file where the environment's `variable` says, and nowhere else; without it beside the program and in
/// the library folders of its installation. What was opened stays open until the process ends.
OpenedModule open_module(const char* file, const char* variable, const char* symbol);

}  // namespace retort
