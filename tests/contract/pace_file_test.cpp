// The pace of a teacher, shared by real processes.
#include "storage/pace_file.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "core/harvest/rate_limiter.h"
#include "tests/catch.h"
#include "tests/support/temporary_folder.h"

using namespace retort;

namespace {

constexpr Instant kNow{1'000'000'000'000};

std::unique_ptr<PaceBook> open_in(const TemporaryFolder& folder) {
  auto book = open_shared_pace("http://teacher\nmodel", folder.path("pace"));
  REQUIRE_OK(book);
  return std::move(*book);
}

/// Runs `work` in a process of its own and waits until it says that it is done, or is dead.
template <class Work>
pid_t in_another_process(Work work, bool stays) {
  int ready[2];
  REQUIRE(pipe(ready) == 0);
  const pid_t child = fork();
  if (child == 0) {
    work();
    [[maybe_unused]] const ssize_t told = write(ready[1], "x", 1);
    while (stays) pause();
    _exit(0);
  }
  close(ready[1]);
  char told = 0;
  CHECK(read(ready[0], &told, 1) == 1);
  close(ready[0]);
  return child;
}

void bury(pid_t child, int signal) {
  if (signal != 0) kill(child, signal);
  int status = 0;
  waitpid(child, &status, 0);
}

}  // namespace

TEST_CASE("what one process hears of a teacher, all keep to", "[contract][pace]") {
  const TemporaryFolder folder;
  const auto mine = open_in(folder);
  Limits limits;
  limits.requests_per_minute = 600;
  RateLimiter limiter(limits, *mine, kNow);
  bury(in_another_process(
           [&] {
             const auto theirs = open_shared_pace("http://teacher\nmodel", folder.path("pace"));
             if (!theirs) _exit(1);
             (*theirs)->lock();
             RateLimiter other(limits, **theirs, kNow);
             other.hold(kNow + 30s, "asked to be left alone");
             (*theirs)->unlock();
           },
           false),
       0);
  auto admission = limiter.acquire({1, 1, {}}, kNow);
  REQUIRE(std::holds_alternative<Instant>(admission));
  CHECK(std::get<Instant>(admission) == kNow + 30s);
  CHECK(limiter.hold_reason() == "asked to be left alone");
}

TEST_CASE("a process that was killed holds neither the lock nor a place", "[contract][pace]") {
  const TemporaryFolder folder;
  const pid_t child = in_another_process(
      [&] {
        auto theirs = open_shared_pace("http://teacher\nmodel", folder.path("pace"));
        if (!theirs) _exit(1);
        (*theirs)->lock();
        (*theirs)->own_slot().in_flight = 5;
        (void)theirs->release();  // held until it dies
      },
      true);
  bury(child, SIGKILL);
  const auto mine = open_in(folder);  // would wait for the lock
  mine->lock();
  CHECK(mine->state().in_flight() == 0);
  mine->unlock();
}

TEST_CASE("two teachers have two paces, and a closed one keeps what it learned", "[contract][pace]") {
  const TemporaryFolder folder;
  { open_in(folder)->state().at(MeterKind::requests).measured = 7; }
  CHECK(open_in(folder)->state().at(MeterKind::requests).measured == 7);
  auto other = open_shared_pace("http://teacher\nother model", folder.path("pace"));
  REQUIRE_OK(other);
  CHECK((*other)->state().at(MeterKind::requests).measured == 0);
}

TEST_CASE("a garbled pace is begun anew", "[contract][pace]") {
  const TemporaryFolder folder;
  { open_in(folder)->state().at(MeterKind::requests).measured = 7; }
  const std::string path = std::filesystem::directory_iterator(folder.path("pace"))->path();
  std::string bytes = read_bytes(path);
  SECTION("another version") { bytes[0] = static_cast<char>(bytes[0] ^ 1); }
  SECTION("cut short") { bytes.resize(20); }
  SECTION("numbers that are none") {
    for (std::size_t i = 64; i < bytes.size() / 4; ++i) bytes[i] = '\xff';
  }
  write_bytes(path, bytes);
  CHECK(open_in(folder)->state().at(MeterKind::requests).measured == 0);
}

TEST_CASE("a folder that others may write is not trusted", "[contract][pace]") {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder.path("pace"));
  REQUIRE(chmod(folder.path("pace").c_str(), 0777) == 0);
  const auto book = open_shared_pace("key", folder.path("pace"));
  REQUIRE_FALSE(book);
  CHECK_THAT(book.error().message, ContainsText("not a folder of this user's alone"));
}
