// What a user gets wrong: one clear line, the exit status that the manual promises, and nothing written.
#include <sys/socket.h>

#include <csignal>
#include <filesystem>

#include "tests/catch.h"
#include "tests/e2e/scene.h"

namespace retort {
namespace {

/// One line on stderr, which says what and where.
void check_one_line(const ProgramEnd& end, int code, const std::vector<std::string>& parts) {
  CAPTURE(end.err);
  CHECK(end.code == code);
  CHECK(end.out == "");
  const std::vector<std::string> lines = said(end);
  REQUIRE(lines.size() == 1);
  CHECK(lines[0].starts_with("retort: "));
  for (const std::string& part : parts) CHECK(has(lines[0], part));
}

/// The command fails like that, and neither asks anything nor leaves anything behind.
void check_refused(Scene& scene, const std::vector<std::string>& words, int code,
                   const std::vector<std::string>& parts) {
  CAPTURE(words);
  const auto files = scene.files();
  check_one_line(scene.run(words), code, parts);
  CHECK(scene.files() == files);
  CHECK(scene.teacher().requests() == 0);
}

struct Mistake {
  std::vector<std::string> words;
  std::vector<std::string> parts;  ///< of the line that is said
};

TEST_CASE("a mistake on the command line is named in one line", "[e2e][input]") {
  Scene scene;
  scene.write("prompts.jsonl", sums(3));
  std::filesystem::create_directory(scene.path("folder"));
  const std::vector<Mistake> mistakes = {
      {{}, {"subcommand"}},
      {{"harvets"}, {"harvets"}},
      {{"harvest", "prompts.jsonl"}, {"--teacher"}},
      {{"harvest", "prompts.jsonl", "-t", "fake", "--speed", "9"}, {"--speed"}},
      {{"harvest", "prompts.jsonl", "-t", "fake", "-n", "0"}, {"--samples"}},
      {{"harvest", "prompts.jsonl", "-t", "fake", "--set", "temperature"}, {"--set", "name=value"}},
      {{"harvest", "prompts.jsonl", "-t", "fake", "--set", "model=other"}, {"--set model"}},
      {{"harvest", "prompts.jsonl", "-t", "fake", "--retry", "everything"}, {"--retry"}},
      {{"harvest", "nowhere.jsonl", "-t", "fake"}, {"nowhere.jsonl"}},
      {{"harvest", "folder", "-t", "fake"}, {"folder", "it is a folder"}},
      {{"harvest", "prompts.jsonl", "-t", "fkae"}, {"unknown teacher 'fkae'", "did you mean 'fake'?"}},
      {{"harvest", "prompts.jsonl", "-t", "fake", "--config", "none.toml"}, {"none.toml"}},
      {{"status", "-c", "none.db"}, {"none.db"}},
      {{"show", "--last", "-c", "none.db"}, {"none.db"}},
      {{"show"}, {"--first", "--last"}},
      {{"export", "-c", "none.db", "-o", "out.jsonl"}, {"none.db"}},
      {{"export", "-f", "parquet", "-o", "out.jsonl"}, {"--format"}},
      {{"teacher", "test", "fkae"}, {"unknown teacher 'fkae'"}},
      {{"prompts", "arithmetic", "-o", "none/out.jsonl"}, {"none/out.jsonl"}},
      {{"serve"}, {"--builtin"}},
      // The unknown word rather than what is lacking because of it.
      {{"harvest", "--maxusd", "3"},
       {"unknown option '--maxusd'", "did you mean '--max-usd'?", "retort harvest --help"}},
      {{"teacher", "test", "fake", "--promt=x"}, {"unknown option '--promt'", "retort teacher test --help"}},
      {{"export", "--shard-tokens", "0"}, {"--shard-tokens: 0 is no number above 0"}},
      {{"harvest", "p.jsonl", "-t", "fake", "--temperature", "inf"}, {"--temperature: inf is no number from 0 on"}},
      {{"harvest", "p.jsonl", "-t", "fake", "--drain", "nan"}, {"--drain: nan is no number from 0 on"}},
      {{"harvest", "p.jsonl", "-t", "fake", "--top-p", "nan"}, {"--top-p: nan is no number from 0 to 1"}},
      {{"harvest", "p.jsonl", "-t", "fake", "--min-p", "1.5"}, {"--min-p: 1.5 is no number from 0 to 1"}},
      {{"import", "."}, {"cannot read .: it is a folder"}},
      {{"export", "one", "two"}, {"'one' is one word too many", "retort export --help"}},
  };
  for (const Mistake& mistake : mistakes) check_refused(scene, mistake.words, 2, mistake.parts);
}

struct Slip {
  const char* toml;
  std::vector<std::string> parts;
};

TEST_CASE("a mistake in the configuration is named with its place", "[e2e][input]") {
  Scene scene;
  scene.write("prompts.jsonl", sums(3));
  const std::string good = scene.read("retort.toml");
  const std::vector<Slip> slips = {
      {"max_in_fligth = 3\n", {"retort.toml", "unknown key 'max_in_fligth'", "did you mean 'max_in_flight'?"}},
      {"api_key = \"sk-1\"\n", {"unknown key 'api_key'", "api_key_env"}},
      {"headers = {}\n", {"unknown key 'headers'", "who it is"}},
      {"timeout_seconds = \"long\"\n", {"'timeout_seconds' must be a number"}},
      {"vendor = \n", {"retort.toml:"}},
      {"[students]\n", {"unknown table 'students'"}},
  };
  for (const Slip& slip : slips) {
    scene.write("retort.toml", good + slip.toml);
    check_refused(scene, scene.harvest_words(), 2, slip.parts);
  }
  CHECK_FALSE(has(scene.harvest().err, "sk-1"));

  scene.configure({{"api_key_env", "\"NO_SUCH_KEY\""}});
  check_refused(scene, scene.harvest_words(), 2, {"NO_SUCH_KEY", "not set"});
  check_refused(scene, {"teacher", "test", "fake"}, 2, {"NO_SUCH_KEY", "not set"});
  scene.configure({{"base_url", "\"http://example.com/v1\""}, {"api_key_env", "\"HOME\""}});
  check_refused(scene, scene.harvest_words(), 2, {"clear text", "https://"});
  scene.configure({{"base_url", "\"ftp://127.0.0.1/\""}});
  check_refused(scene, scene.harvest_words(), 2, {"'base_url'"});
}

TEST_CASE("unknown terms stop a harvest before its first request", "[e2e][input]") {
  Scene scene({}, {{"outputs_may_train", ""}});
  scene.write("prompts.jsonl", sums(3));
  check_refused(scene, scene.harvest_words(), 6, {"terms of 'fake'", "outputs_may_train", "--terms-unknown"});

  const ProgramEnd end = scene.harvest({"--terms-unknown"});
  CHECK(end.code == 0);
  CHECK(scene.teacher().requests() == 3);
  CHECK(scene.number("SELECT outputs_may_train IS NULL FROM terms") == 1);
}

TEST_CASE("a broken row stops the harvest at its place, and what was answered is kept", "[e2e][input]") {
  Scene scene;
  scene.write("prompts.jsonl", sums(5000) + "{\"prompt\": \n" + sums(10, 6000));

  const ProgramEnd end = scene.harvest();

  CHECK(end.code == 2);
  CHECK(has(said(end).back(), "retort: prompts.jsonl:5001: not JSON"));
  CHECK(has(said(end).back(), "--skip-bad-rows"));
  const std::int64_t asked = scene.teacher().requests();
  CHECK(asked > 0);
  CHECK(scene.number("SELECT count(*) FROM response") == asked);
  CHECK(scene.number("SELECT count(*) FROM attempt WHERE outcome <> 'answered'") == 0);

  scene.write("prompts.jsonl", sums(5000) + sums(10, 6000));
  CHECK(scene.harvest().code == 0);
  CHECK(scene.teacher().requests() == 5010);
}

TEST_CASE("broken rows can be skipped, and are told and counted", "[e2e][input]") {
  Scene scene;
  scene.write("prompts.jsonl", sums(2) + "{\"prompt\": \n[1]\n{\"question\":\"x\"}\n{\"messages\":[]}\n" +
                                   "{\"messages\":[{\"role\":\"user\"}]}\n" + sums(2, 10));

  const ProgramEnd end = scene.harvest({"--skip-bad-rows", "--json"});

  CHECK(end.code == 3);
  CHECK(json_of(end.out)["bad_rows"] == 5);
  CHECK(json_of(end.out)["answered"] == 4);
  for (int row = 3; row <= 7; ++row) CHECK(has(end.err, "prompts.jsonl:" + std::to_string(row) + ": "));
  CHECK(has(end.err, "--prompt-template"));
}

TEST_CASE("what is no corpus is left as it is", "[e2e][input]") {
  Scene scene;
  scene.write("prompts.jsonl", sums(3));
  const std::string text = "these are my notes, not a database\n" + std::string(2000, 'x');

  SECTION("another kind of file") {
    scene.write("corpus.db", text);
    check_refused(scene, scene.harvest_words(), 7, {"corpus.db", "no corpus"});
    check_refused(scene, {"status"}, 7, {"corpus.db", "no corpus"});
    check_refused(scene, {"export", "-o", "out.jsonl"}, 7, {"corpus.db", "no corpus"});
    CHECK(scene.read("corpus.db") == text);
  }
  SECTION("another program's database") {
    const auto other = Connection::open(scene.path("corpus.db"), Connection::Mode::create);
    REQUIRE_OK(other);
    REQUIRE_OK((*other)->script("CREATE TABLE notes (text TEXT)"));
    const std::string bytes = scene.read("corpus.db");
    check_refused(scene, scene.harvest_words(), 7, {"corpus.db", "another program's"});
    check_refused(scene, {"status"}, 7, {"corpus.db", "another program's"});
    CHECK((scene.read("corpus.db") == bytes));
  }
  SECTION("a folder") {
    std::filesystem::create_directory(scene.path("corpus.db"));
    check_refused(scene, scene.harvest_words(), 7, {"corpus.db", "is a directory"});
    check_refused(scene, {"status"}, 7, {"corpus.db", "is a directory"});
  }
  SECTION("a file in no folder") {
    check_refused(scene, scene.harvest_words({"-c", "none/corpus.db"}), 7, {"there is no folder", "/none"});
  }
}

TEST_CASE("a corpus of a newer version is left as it is", "[e2e][input]") {
  Scene scene;
  scene.write("prompts.jsonl", sums(3));
  REQUIRE(scene.harvest().code == 0);
  scene.execute("PRAGMA user_version = 999");
  const std::string bytes = scene.read("corpus.db");
  scene.write("prompts.jsonl", sums(6));
  const auto files = scene.files();

  for (const auto& words : {scene.harvest_words(), std::vector<std::string>{"status"},
                            std::vector<std::string>{"export", "-o", "out.jsonl"}}) {
    check_one_line(scene.run(words), 7, {"corpus.db", "newer retort", "update retort"});
  }

  CHECK((scene.read("corpus.db") == bytes));
  CHECK(scene.files() == files);
  CHECK(scene.teacher().requests() == 3);
}

TEST_CASE("one corpus takes one harvest at a time", "[e2e][input]") {
  Scene scene({.latency = 200ms});
  scene.write("prompts.jsonl", sums(40));
  const auto first = scene.start(scene.harvest_words());
  REQUIRE(eventually([&] { return scene.teacher().requests() > 0; }));

  check_one_line(scene.harvest(), 7,
                 {"corpus.db", "in use by another harvest (pid " + std::to_string(first->pid()) + ")"});

  CHECK(first->wait().code == 0);
  for (const auto& [prompt, book] : scene.teacher().books()) CHECK(book.received == 1);
}

}  // namespace
}  // namespace retort
