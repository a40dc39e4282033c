// Preloaded into a program under test, this is its clock. TIME_SHIM_SPEED lets its time, and its waiting for events,
// run so many times faster; TIME_SHIM_WALL_FILE names a file with the seconds by which its wall clock is off, read anew
// each time, so that the wall clock can jump while the program runs.
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <ctime>

namespace {

constexpr long long kNanoseconds = 1'000'000'000;

double speed() {
  static const double value = [] {
    const char* text = std::getenv("TIME_SHIM_SPEED");
    return text == nullptr ? 1.0 : std::atof(text);
  }();
  return value;
}

long long wall_shift() {
  const char* path = std::getenv("TIME_SHIM_WALL_FILE");
  std::FILE* file = path == nullptr ? nullptr : std::fopen(path, "r");
  if (file == nullptr) return 0;
  long long shift = 0;
  if (std::fscanf(file, "%lld", &shift) != 1) shift = 0;
  std::fclose(file);
  return shift;
}

int real_time(clockid_t clock, timespec* at) { return static_cast<int>(syscall(SYS_clock_gettime, clock, at)); }

}  // namespace

extern "C" int clock_gettime(clockid_t clock, timespec* at) noexcept {
  const int result = real_time(clock, at);
  if (result != 0) return result;
  if (clock == CLOCK_REALTIME) {
    at->tv_sec += wall_shift();
  } else if ((clock == CLOCK_MONOTONIC || clock == CLOCK_BOOTTIME) && speed() != 1) {
    static const long long began = [] {
      timespec now{};
      real_time(CLOCK_MONOTONIC, &now);
      return now.tv_sec * kNanoseconds + now.tv_nsec;
    }();
    const long long now = at->tv_sec * kNanoseconds + at->tv_nsec;
    const long long faster = began + static_cast<long long>(static_cast<double>(now - began) * speed());
    at->tv_sec = faster / kNanoseconds;
    at->tv_nsec = faster % kNanoseconds;
  }
  return 0;
}

extern "C" int gettimeofday(timeval* at, void*) noexcept {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  at->tv_sec = now.tv_sec;
  at->tv_usec = now.tv_nsec / 1000;
  return 0;
}

extern "C" time_t time(time_t* at) noexcept {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  if (at != nullptr) *at = now.tv_sec;
  return now.tv_sec;
}

extern "C" int epoll_wait(int epoll, epoll_event* events, int most, int timeout_ms) {
  if (timeout_ms > 0 && speed() != 1) {
    const double shorter = timeout_ms / speed();
    timeout_ms = shorter < 1 ? 1 : static_cast<int>(shorter);
  }
  return static_cast<int>(syscall(SYS_epoll_pwait, epoll, events, most, timeout_ms, nullptr, 0));
}
