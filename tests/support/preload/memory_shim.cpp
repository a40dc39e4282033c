// Preloaded into a program under test, this is its memory: the allocation with the number MEMORY_SHIM_FAIL_AT fails,
// and so do the MEMORY_SHIM_FAIL_COUNT - 1 after it. With MEMORY_SHIM_REPORT, a file, the number of allocations at the
// program's end is written there.
#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdlib>

extern "C" void* __libc_malloc(std::size_t size);
extern "C" void* __libc_calloc(std::size_t count, std::size_t size);
extern "C" void* __libc_realloc(void* block, std::size_t size);

namespace {

std::atomic<long> g_allocations{0};
std::atomic<long> g_fail_from{-1};  // until the program's own start: nothing fails in the loader
std::atomic<long> g_fail_to{-1};

bool fails() {
  const long number = ++g_allocations;
  const long from = g_fail_from.load(std::memory_order_relaxed);
  if (from < 0 || number < from || number >= g_fail_to.load(std::memory_order_relaxed)) return false;
  errno = ENOMEM;
  return true;
}

long from_environment(const char* name, long otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::atol(text);
}

__attribute__((constructor)) void begin() {
  const long at = from_environment("MEMORY_SHIM_FAIL_AT", -1);
  g_allocations = 0;
  if (at < 0) return;
  g_fail_to = at + from_environment("MEMORY_SHIM_FAIL_COUNT", 1);
  g_fail_from = at;
}

}  // namespace

extern "C" void* malloc(std::size_t size) { return fails() ? nullptr : __libc_malloc(size); }
extern "C" void* calloc(std::size_t count, std::size_t size) { return fails() ? nullptr : __libc_calloc(count, size); }
extern "C" void* realloc(void* block, std::size_t size) { return fails() ? nullptr : __libc_realloc(block, size); }

// The program leaves through _exit(), which runs no destructors.
extern "C" void _exit(int status) {
  if (const char* path = std::getenv("MEMORY_SHIM_REPORT")) {
    const int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    char digits[24];
    std::size_t at = sizeof digits;
    for (long left = g_allocations; left > 0; left /= 10) digits[--at] = static_cast<char>('0' + left % 10);
    if (file >= 0 && write(file, digits + at, sizeof digits - at) < 0) status = 99;
  }
  _Exit(status);
}
