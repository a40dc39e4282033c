// The places where a corpus lies, at their worst: full, locked, shared, forbidden, out of memory.
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "tests/catch.h"
#include "tests/e2e/scene.h"

namespace retort {
namespace {

std::int64_t answered(const Scene& scene) {
  return scene.number("SELECT count(*) FROM request WHERE status = 'answered'");
}

/// A disk of its own of some megabytes, if this user may mount one.
class SmallDisk {
 public:
  SmallDisk(std::string place, const char* size) : place_(std::move(place)) {
    std::filesystem::create_directory(place_);
    mounted_ = mount("tmpfs", place_.c_str(), "tmpfs", 0, size) == 0;
  }
  ~SmallDisk() {
    if (mounted_) umount2(place_.c_str(), MNT_DETACH);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  bool mounted() const { return mounted_; }
  bool resize(const char* size) const { return mount("tmpfs", place_.c_str(), "tmpfs", MS_REMOUNT, size) == 0; }

 private:
  std::string place_;
  bool mounted_ = false;
};

// when:  the disk of the corpus fills up, and later there is room
// then:  exit 8 with what was paid for kept; the same command goes on, and no more than was in flight is asked twice
TEST_CASE("a disk that is really full stops the sending, and with room the same command goes on", "[e2e][disk]") {
  constexpr int kPrompts = 3000;
  Scene scene({.latency = 2ms}, {{"max_in_flight", "16"}});
  scene.write("prompts.jsonl", sums(kPrompts));
  const SmallDisk disk(scene.path("small"), "size=2m");
  if (!disk.mounted()) {
    WARN("not allowed to mount a small disk: crash_test.cpp fills one by a limit on the size of files");
    return;
  }
  const std::vector<std::string> more = {"-c", "small/corpus.db", "--drain", "1.5"};

  const ProgramEnd full = scene.harvest(more);

  CHECK(full.code == 8);
  CHECK(has(said(full).back(), "disk is full"));
  const std::int64_t asked = scene.teacher().requests();
  CHECK(asked < kPrompts);
  REQUIRE(disk.resize("size=64m"));
  CHECK(scene.run({"fsck", "-c", "small/corpus.db"}).code == 0);
  CHECK(scene.harvest(more).code == 0);
  const Json status = json_of(scene.run({"status", "--json", "-c", "small/corpus.db"}).out);
  CHECK(status["teachers"][0]["answered"] == kPrompts);
  CHECK(status["responses"] == kPrompts);
  CHECK(scene.teacher().requests() - kPrompts <= 16);
}

TEST_CASE("another program's lock holds the sending back and drops nothing", "[e2e][disk]") {
  constexpr int kPrompts = 400, kInFlight = 8;
  Scene scene({.latency = 5ms});
  scene.write("prompts.jsonl", sums(kPrompts));
  const auto program = scene.start(scene.harvest_words());
  REQUIRE(eventually([&] { return scene.teacher().requests() >= 60; }));
  const auto shell = Connection::open(scene.path("corpus.db"), Connection::Mode::write);
  REQUIRE_OK(shell);
  (*shell)->set_busy_timeout(30s);
  REQUIRE_OK((*shell)->script("BEGIN IMMEDIATE"));
  REQUIRE(eventually([&] { return scene.teacher().in_flight() == 0; }));
  const std::int64_t before = scene.teacher().requests();

  eventually([] { return false; }, 3s);

  // Only what had its permit to be sent is sent, and then everything waits.
  CHECK(scene.teacher().requests() - before <= kInFlight);
  CHECK(program->running());
  REQUIRE_OK((*shell)->script("COMMIT"));
  CHECK(program->wait().code == 0);
  CHECK(answered(scene) == kPrompts);
  CHECK(scene.teacher().requests() == kPrompts);
}

TEST_CASE("a second harvest of a corpus is refused before its first request", "[e2e][disk]") {
  Scene scene({.latency = 20ms});
  scene.write("prompts.jsonl", sums(150));
  const auto first = scene.start(scene.harvest_words());
  REQUIRE(eventually([&] { return scene.teacher().requests() >= 20; }));

  const ProgramEnd second = scene.harvest();

  CHECK(second.code == 7);
  CHECK(has(second.err, "another harvest (pid " + std::to_string(first->pid()) + ")"));
  CHECK(first->wait().code == 0);
  for (const auto& [prompt, book] : scene.teacher().books()) CHECK(book.received == 1);
}

TEST_CASE("a place that cannot hold a corpus is told before the first request", "[e2e][disk]") {
  Scene scene;
  scene.write("prompts.jsonl", sums(5));
  const auto refused = [&](const std::string& corpus, const std::string& words) {
    const ProgramEnd end = scene.harvest({"-c", corpus});
    CAPTURE(corpus, end.err);
    CHECK(end.code == 7);
    CHECK(has(end.err, words));
    CHECK(scene.teacher().requests() == 0);
  };
  std::filesystem::create_directory(scene.path("folder"));
  refused("folder", "is a directory");
  refused("no/such/corpus.db", "make it first");
  std::filesystem::create_symlink("nowhere/corpus.db", scene.path("dangling.db"));
  refused("dangling.db", "make it first");
  scene.write("notes.db", std::string(3000, 'n'));
  refused("notes.db", "no SQLite database");

  // A link to a corpus is the corpus: harvested into through the link, locked under its own name.
  std::filesystem::create_symlink("folder/real.db", scene.path("link.db"));
  CHECK(scene.harvest({"-c", "link.db"}).code == 0);
  CHECK(std::filesystem::exists(scene.path("folder/real.db.lock")));
  CHECK(scene.harvest({"-c", "folder/real.db"}).code == 0);
  CHECK(scene.teacher().requests() == 5);
}

#ifdef RETORT_PRELOADS

// when:  the corpus would lie, or lies already, on a disk that the kernel calls NFS; and on one that it calls ext4
// then:  exit 7 with the name of the kind, nothing is asked and nothing is made; the local one is harvested
TEST_CASE("a corpus on a network file system is refused before the first request", "[e2e][disk]") {
  Scene scene;
  scene.write("prompts.jsonl", sums(2));
  const auto on_disk = [&](const char* magic) {
    ProgramSetup setup = scene.setup(scene.harvest_words());
    setup.environment["LD_PRELOAD"] = RETORT_BINARY_DIR "/disk_shim.so";
    setup.environment["DISK_SHIM_MAGIC"] = magic;
    return Program(setup).wait();
  };
  const auto check_refused = [&] {
    const ProgramEnd end = on_disk("0x6969");
    CHECK(end.code == 7);
    CHECK(has(said(end).back(), "corpus.db: lies on a network file system (nfs)"));
    CHECK(has(said(end).back(), "keep the corpus on a local disk"));
  };
  check_refused();
  CHECK_FALSE(std::filesystem::exists(scene.path("corpus.db")));
  CHECK(scene.teacher().requests() == 0);
  CHECK(on_disk("0xEF53").code == 0);
  CHECK(answered(scene) == 2);
  check_refused();
  CHECK(answered(scene) == 2);
}

#endif

TEST_CASE("without the right to write there, nothing is asked", "[e2e][disk]") {
  Scene scene;
  scene.write("prompts.jsonl", sums(5));
  std::filesystem::create_directory(scene.path("theirs"));
  REQUIRE(chmod(scene.path().c_str(), 0755) == 0);
  REQUIRE(chmod(scene.path("theirs").c_str(), 0555) == 0);
  ProgramSetup setup = scene.setup(scene.harvest_words({"-c", "theirs/corpus.db"}));
  if (geteuid() == 0) {
    // Root may write anywhere, so somebody else does it.
    setup.arguments.insert(setup.arguments.begin(), {"--reuid=65534", "--clear-groups", setup.executable});
    setup.executable = "/usr/bin/setpriv";
  }

  const ProgramEnd end = Program(setup).wait();

  CAPTURE(end.err);
  CHECK(end.code == 7);
  CHECK(has(end.err, "cannot write in"));
  CHECK(scene.teacher().requests() == 0);
}

#ifdef RETORT_PRELOADS  // a sanitizer wants the address space for itself
// when:  the address space is too small, by more or less
// then:  the program says something before it ends, or works; the corpus is sound; the same command finishes
TEST_CASE("too little memory ends in words, with a sound corpus", "[e2e][memory]") {
  constexpr int kPrompts = 60;
  int ended_early = 0;
  for (const int megabytes : {20, 40, 60, 70, 80, 90, 100, 110, 120, 130, 140, 150, 160, 180, 200, 240}) {
    Scene scene;
    scene.write("prompts.jsonl", sums(kPrompts));
    ProgramSetup setup = scene.setup(scene.harvest_words());
    setup.arguments.insert(
        setup.arguments.begin(),
        {"-c", "ulimit -v " + std::to_string(megabytes * 1024) + "; exec \"$0\" \"$@\"", setup.executable});
    setup.executable = "/bin/sh";
    const ProgramEnd end = Program(setup).wait();
    CAPTURE(megabytes, end.code, end.err);
    CHECK_FALSE(end.timed_out);
    if (end.code != 0) {
      ++ended_early;
      CHECK_FALSE(end.err.empty());
    }
    CHECK(scene.harvest().code == 0);
    CHECK(scene.run({"fsck"}).code == 0);
    CHECK(answered(scene) == kPrompts);
  }
  CHECK(ended_early > 0);
}
#endif

}  // namespace
}  // namespace retort
