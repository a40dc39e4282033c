#include "core/base/module_file.h"

#include <dlfcn.h>

#include <cstdlib>
#include <filesystem>
#include <vector>

namespace retort {
namespace {

std::vector<std::string> places(const char* file, const char* variable) {
  namespace fs = std::filesystem;
  if (const char* named = std::getenv(variable); named != nullptr && *named != '\0') return {named};
  std::error_code error;
  const fs::path folder = fs::read_symlink("/proc/self/exe", error).parent_path();
  std::vector<std::string> found{folder / file, folder / "../lib/retort" / file};
  for (fs::directory_iterator entry(folder / "../lib", error), end; !error && entry != end; entry.increment(error)) {
    found.push_back(entry->path() / "retort" / file);  // lib/x86_64-linux-gnu/retort
  }
  return found;
}

}  // namespace

OpenedModule open_module(const char* file, const char* variable, const char* symbol) {
  OpenedModule opened;
  for (const std::string& place : places(file, variable)) {
    std::error_code error;
    if (!std::filesystem::exists(place, error)) continue;
    void* library = dlopen(place.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) {
      opened.problem = std::string(" (") + dlerror() + ")";
      continue;
    }
    return {dlsym(library, symbol), place, {}};
  }
  return opened;
}

}  // namespace retort
