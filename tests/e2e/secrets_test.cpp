// The key goes into the Authorization header of one origin and nowhere else.
#include <sys/resource.h>

#include <csignal>
#include <filesystem>

#include "storage/compression.h"
#include "tests/catch.h"
#include "tests/e2e/scene.h"

namespace retort {
namespace {

constexpr const char* kKey = "sk-correct-horse-battery-staple-0451";

/// The configuration with a key, and the words that make everything that could be written.
struct KeyScene : Scene {
  explicit KeyScene(FakeTeacherOptions options, Profile profile = {})
      : Scene(std::move(options), with_variable(profile)) {
    write("prompts.jsonl", sums(40));
  }
  static Profile with_variable(Profile profile) {
    profile["api_key_env"] = "\"FAKE_KEY\"";
    return profile;
  }
  ProgramSetup with_key(std::vector<std::string> words) const {
    ProgramSetup made = setup(std::move(words));
    made.environment["FAKE_KEY"] = kKey;
    return made;
  }
  ProgramSetup harvesting() const { return with_key(harvest_words({"--log-file", "log.txt", "--json"})); }
};

/// The bodies of all replies, which lie compressed in the corpus.
std::string raw_bodies(const Scene& scene) {
  std::string all;
  for (const std::string& body : scene.texts("SELECT body FROM raw")) {
    const auto whole = decompress(body, 1 << 20);
    REQUIRE_OK(whole);
    all += *whole;
  }
  return all;
}

/// The names of what holds the key, or its middle.
std::vector<std::string> places_of_key(const Scene& scene, const std::vector<ProgramEnd>& ends) {
  std::vector<std::string> places;
  for (const char* part : {kKey, "horse-battery"}) {
    for (const std::string& name : scene.files()) {
      if (has(scene.read(name), part)) places.push_back(name);
    }
    for (const ProgramEnd& end : ends) {
      if (has(end.out, part)) places.push_back("stdout");
      if (has(end.err, part)) places.push_back("stderr");
    }
  }
  // Last, because opening the corpus tidies its WAL away.
  if (has(raw_bodies(scene), "horse-battery")) places.push_back("raw bodies");
  return places;
}

TEST_CASE("the key is sent, and is in nothing that is said or written", "[e2e][secrets]") {
  KeyScene scene({.latency = 5ms});
  std::vector<ProgramEnd> ends;
  Program harvest(scene.harvesting());
  CHECK(eventually([&] { return scene.teacher().requests() > 0; }));
  CHECK_FALSE(has(read_bytes("/proc/" + std::to_string(harvest.pid()) + "/cmdline"), "horse-battery"));
  ends.push_back(harvest.wait());
  CHECK(ends.back().code == 0);
  for (const auto& words : std::vector<std::vector<std::string>>{{"export", "-o", "out.jsonl"},
                                                                 {"status", "--json"},
                                                                 {"show", "--last", "--json"},
                                                                 {"teacher", "list", "--json"},
                                                                 {"teacher", "test", "fake", "--json"}}) {
    ends.push_back(Program(scene.with_key(words)).wait());
    CHECK(ends.back().code == 0);
  }

  for (const FakeTeacherEntry& entry : scene.teacher().log()) CHECK(entry.with_authorization);
  CHECK(places_of_key(scene, ends).empty());
}

TEST_CASE("a key that a teacher echoes is kept nowhere", "[e2e][secrets]") {
  const std::string fault = GENERATE("key_echo", "key_escaped");
  CAPTURE(fault);
  KeyScene scene({.scenario = "then: " + fault});
  std::vector<ProgramEnd> ends{Program(scene.harvesting()).wait(),
                               Program(scene.with_key({"teacher", "test", "fake"})).wait(),
                               Program(scene.with_key({"teacher", "test", "fake", "--json"})).wait()};

  for (const ProgramEnd& end : ends) {
    CHECK(end.code == 4);
    CHECK(has(end.err, "Incorrect API key provided"));
  }
  CHECK(has(raw_bodies(scene), "Incorrect API key provided"));
  CHECK(places_of_key(scene, ends).empty());
}

// when:  the key in an answer, in one piece or in many events of a stream
// then:  the answer is kept without it; of the stream, which would spell it again, the raw bytes are not
TEST_CASE("a key in an answer is in nothing that is kept of it", "[e2e][secrets]") {
  const bool stream = GENERATE(false, true);
  CAPTURE(stream);
  KeyScene scene({.scenario = "then: key_in_answer"}, {{"stream", stream ? "true" : "false"}});
  std::vector<ProgramEnd> ends{Program(scene.harvesting()).wait()};
  CHECK(ends.back().code == 0);
  for (const auto& words : std::vector<std::vector<std::string>>{{"decode"},
                                                                 {"export", "-o", "out.jsonl"},
                                                                 {"show", "--last", "--json"},
                                                                 {"teacher", "test", "fake", "--json"}}) {
    ends.push_back(Program(scene.with_key(words)).wait());
    CAPTURE(words, ends.back().err);
    CHECK(ends.back().code == 0);
  }
  CHECK(scene.number("SELECT count(*) FROM response WHERE text = 'You asked with Bearer [redacted]'") == 40);
  CHECK(scene.number("SELECT count(*) FROM raw") == (stream ? 0 : 40));
  CHECK(places_of_key(scene, ends).empty());
}

// when:  a server that wants no key is given a word that stands in every reply
// then:  the replies are read as they are
TEST_CASE("a placeholder for a key breaks no answer", "[e2e][secrets]") {
  const char* const placeholder = GENERATE("null", "1", "content");
  CAPTURE(placeholder);
  KeyScene scene({});
  ProgramSetup setup = scene.harvesting();
  setup.environment["FAKE_KEY"] = placeholder;
  const ProgramEnd end = Program(setup).wait();
  CAPTURE(end.err);
  CHECK(end.code == 0);
  CHECK(scene.number("SELECT count(*) FROM response WHERE text NOT LIKE '%redacted%'") == 40);
}

TEST_CASE("a harvest that is killed leaves no key behind", "[e2e][secrets]") {
  KeyScene scene({.scenario = "every 5: key_echo", .latency = 5ms});
  Program harvest(scene.harvesting());
  CHECK(eventually([&] { return scene.teacher().delivered() >= 4; }));
  harvest.send(SIGKILL);
  const ProgramEnd end = harvest.wait();
  CHECK(std::filesystem::exists(scene.path("corpus.db-wal")));
  CHECK(places_of_key(scene, {end}).empty());
}

// when:  a harvest crashes where core dumps are written
// then:  none is: it would hold the key
TEST_CASE("a harvest that crashes leaves no core dump with the key", "[e2e][secrets]") {
  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_CORE, &before) == 0);
  const rlimit dumps{before.rlim_max, before.rlim_max};
  REQUIRE(setrlimit(RLIMIT_CORE, &dumps) == 0);
  KeyScene scene({.latency = 50ms});
  Program harvest(scene.harvesting());
  setrlimit(RLIMIT_CORE, &before);
  CHECK(eventually([&] { return scene.teacher().requests() > 0; }));
  harvest.send(SIGABRT);
  const ProgramEnd end = harvest.wait();
  CHECK(end.code == -SIGABRT);
  CHECK(places_of_key(scene, {end}).empty());
}

TEST_CASE("the key never follows a redirect", "[e2e][secrets]") {
  const auto other = FakeTeacher::start({});
  REQUIRE_OK(other);
  KeyScene scene({.scenario = "then: redirect, Location " + (*other)->base_url() + "/chat/completions"});

  const ProgramEnd harvest = Program(scene.harvesting()).wait();
  const ProgramEnd test = Program(scene.with_key({"teacher", "test", "fake"})).wait();

  CHECK(harvest.code == 4);
  CHECK(has(harvest.err, "a redirect, which is never followed"));
  CHECK(test.code == 4);
  CHECK((*other)->requests() == 0);
}

}  // namespace
}  // namespace retort
