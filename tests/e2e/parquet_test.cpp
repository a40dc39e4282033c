// Parquet from the command line: rows that are the lines, and files of others. What is in the files of
// tests/fuzz/seeds/parquet_rows and tests/parquet: tests/references/make_parquet_files.py.
#include "tests/catch.h"
#include "tests/e2e/scene.h"

namespace retort {
namespace {

#ifdef RETORT_HAS_PARQUET
bool has_module() { return true; }
#else
bool has_module() {
  WARN("skipped: built without Arrow");  // ctest looks for these words
  return false;
}
#endif

std::string seed_file(const std::string& name) {
  return read_bytes(std::string(RETORT_SOURCE_DIR) + "/tests/fuzz/seeds/parquet_rows/" + name);
}

std::string pairs(int count) {
  std::string lines;
  for (int i = 1; i <= count; ++i) {
    Json messages = Json::array();
    if (i % 2 == 0) messages.push_back({{"role", "system"}, {"content", "Be brief."}});
    messages.push_back({{"role", "user"}, {"content", "What is “" + std::to_string(i) + "”?\n\u2028"}});
    messages.push_back({{"role", "assistant"},
                        {"content", "It is " + std::string(static_cast<std::size_t>(i % 50), 'x') + "."},
                        {"reasoning_content", i % 3 == 0 ? "Let me see." : ""}});
    lines += Json({{"messages", messages}}).dump() + "\n";
  }
  return lines;
}

// One line on stderr, the manual's exit status, and no file that was not there before.
void check_refused(Scene& scene, const ProgramSetup& setup, const std::vector<std::string>& files,
                   const std::vector<std::string>& parts) {
  const ProgramEnd end = Program(setup).wait();
  CAPTURE(setup.arguments, end.err);
  CHECK(end.code == 2);
  CHECK(end.out == "");
  REQUIRE(said(end).size() == 1);
  for (const std::string& part : parts) CHECK(has(end.err, part));
  CHECK(scene.files() == files);
}

}  // namespace

TEST_CASE("without the module one line says what is missing, and all else works", "[e2e]") {
  Scene scene;
  scene.write("in.jsonl", pairs(3));
  scene.write("prompts.parquet", seed_file("messages.parquet"));
  REQUIRE(scene.run({"import", "in.jsonl", "--may-train", "yes"}).code == 0);
  const auto files = scene.files();
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
           {"export", "-o", "out.parquet"},
           {"export", "--parquet", "-o", "-"},
           {"import", "prompts.parquet", "-c", "other.db"},
           {"harvest", "prompts.parquet", "-t", "fake", "-c", "other.db"},
       }) {
    ProgramSetup setup = scene.setup(words);
    setup.environment["RETORT_PARQUET_MODULE"] = scene.path("none.so");
    check_refused(scene, setup, files, {"retort-parquet.so", "pyarrow", "RETORT_ARROW"});
    setup.environment["RETORT_PARQUET_MODULE"] = scene.path("prompts.parquet");  // there, but no library
    check_refused(scene, setup, files, {"retort-parquet.so", "prompts.parquet"});
  }
  CHECK(scene.teacher().requests() == 0);
  CHECK(scene.run({"export", "-o", "out.jsonl"}).code == 0);
}

TEST_CASE("what is exported as Parquet comes back as it was", "[e2e][parquet][export]") {
  if (!has_module()) return;
  Scene scene;
  scene.write("in.jsonl", pairs(700));
  REQUIRE(scene.run({"import", "in.jsonl", "--may-train", "yes"}).code == 0);
  for (const std::string format : {"chat", "prompt-completion", "alpaca", "sharegpt"}) {
    CAPTURE(format);
    const std::string name = format + ".parquet", corpus = format + ".db";
    const ProgramEnd end = scene.run({"export", "-f", format, "-o", name});
    CAPTURE(end.err);
    REQUIRE(end.code == 0);
    CHECK(scene.run({"export", "-f", format, "--parquet", "-o", "-"}).out == scene.read(name));
    const Json manifest = json_of(scene.read(name + ".manifest.json"));
    CHECK(manifest["export"]["container"] == "parquet");
    CHECK(manifest["export"]["compression"] == "zstd");
    CHECK(manifest["export"]["lines"] == 700);

    REQUIRE(scene.run({"import", name, "-c", corpus, "--may-train", "yes"}).code == 0);
    const std::string before = scene.run({"export", "-f", format, "--bare", "-o", "-"}).out;
    CHECK(before.size() > 700);
    CHECK(scene.run({"export", "-c", corpus, "-f", format, "--bare", "-o", "-"}).out == before);
  }
  ProgramSetup redirected = scene.setup({"import", "-", "-c", "redirected.db"});
  redirected.input = scene.read("chat.parquet");  // a file, not a pipe
  CHECK(has(Program(redirected).wait().err, "700 pairs imported"));

  REQUIRE(scene.run({"export", "-o", "plain.parquet", "--compress", "none"}).code == 0);
  CHECK(scene.read("plain.parquet").size() > 2 * scene.read("chat.parquet").size());
  CHECK(has(scene.run({"export", "-f", "llmc", "--tokenizer", "t", "-o", "t.parquet"}).err, "llmc writes tokens"));
}

TEST_CASE("an export of Parquet that cannot be written leaves what was there", "[e2e][parquet][export]") {
  if (!has_module()) return;
  Scene scene;
  scene.write("in.jsonl", pairs(8000));
  REQUIRE(scene.run({"import", "in.jsonl", "--may-train", "yes"}).code == 0);
  scene.write("out.parquet", "older\n");
  const auto files = scene.files();
  ProgramSetup setup = scene.setup({"export", "-o", "out.parquet", "--compress", "none"});
  setup.file_bytes_max = 100'000;  // more than SQLite's own files take
  const ProgramEnd full = Program(setup).wait();
  CAPTURE(full.err);
  CHECK(full.code == 8);
  CHECK(said(full).size() == 1);
  CHECK(scene.read("out.parquet") == "older\n");
  CHECK(scene.files() == files);
}

TEST_CASE("rows of Parquet are prompts like lines of JSON, with every type as metadata", "[e2e][parquet]") {
  if (!has_module()) return;
  Scene scene({}, {{"max_in_flight", "1"}});
  scene.write("rows", seed_file("types.parquet"));  // the first bytes tell, not the name
  const ProgramEnd end = scene.run({"harvest", "rows", "-t", "fake", "-q"});
  CAPTURE(end.err);
  REQUIRE(end.code == 0);
  const std::vector<std::string> metadata = scene.texts("SELECT metadata FROM source_row ORDER BY \"row\"");
  REQUIRE(metadata.size() == 3);
  CHECK(json_of(metadata[0]) == json_of(R"({"small": -1, "half": 0.5, "double": 0.1, "yes": true, "bytes": "é",
      "day": "2024-02-29", "at": "1969-12-31T23:59:59.250Z", "time": "23:59:59.001", "price": "-12.50", "word": "a",
      "tags": ["x", null], "made": {"by": "a"}, "marks": {"k": 1}})"));
  CHECK(json_of(metadata[1]) == json_of(R"({"large": 18446744073709551615, "yes": false, "tags": [], "marks": {}})"));
  CHECK(json_of(metadata[2]) == json_of(R"({"small": 3, "large": 0, "half": -2.0, "double": 1e300, "bytes": "",
      "day": "0001-01-01", "at": "1969-12-31T23:59:59.250Z", "price": "0.01", "word": "a", "made": {"n": 3}})"));
  CHECK(scene.text("SELECT group_concat(source || \"row\", ' ') FROM source_row") == "rows1 rows2 rows3");

  scene.write("prompts.jsonl", "{\"prompt\": \"first\"}\n{\"prompt\": \"second\"}\n{\"prompt\": \"third\"}\n");
  REQUIRE(scene.harvest().code == 0);
  CHECK(scene.teacher().delivered() == 3);  // the same questions

  // A null member is an absent one: the very messages.
  scene.write("chat.jsonl", pairs(4));
  REQUIRE(scene.run({"import", "chat.jsonl", "-c", "chat.db", "--may-train", "yes"}).code == 0);
  REQUIRE(scene.run({"export", "-c", "chat.db", "--bare", "-o", "chat.parquet"}).code == 0);
  REQUIRE(scene.run({"harvest", "chat.parquet", "-t", "fake", "-q"}).code == 0);
  REQUIRE(scene.run({"harvest", "chat.jsonl", "-t", "fake", "-q"}).code == 0);
  CHECK(scene.teacher().delivered() == 7);
}

TEST_CASE("a file that is no Parquet, was cut or damaged is one line, before anything is done", "[e2e][parquet]") {
  if (!has_module()) return;
  Scene scene;
  const std::string whole = seed_file("messages.parquet");
  std::string damaged = whole;
  damaged[damaged.size() / 3] ^= 0x55;  // its pages have checksums
  scene.write("cut.parquet", whole.substr(0, whole.size() / 2));
  scene.write("cut", whole.substr(0, whole.size() / 2));
  scene.write("empty.parquet", "");
  scene.write("lines.parquet", pairs(3));
  scene.write("encrypted", "PARE" + whole + "PARE");
  scene.write("duration.parquet", seed_file("duration.parquet"));
  scene.write("damaged.parquet", damaged);
  scene.write("bytes.parquet", seed_file("bytes.parquet"));
  const auto files = scene.files();
  for (const auto& [name, what] : std::vector<std::pair<std::string, std::string>>{
           {"cut.parquet", "cut.parquet"},
           {"cut", "cut"},
           {"empty.parquet", "0 bytes"},
           {"lines.parquet", "lines.parquet"},
           {"encrypted", "encrypted"},
           {"duration.parquet", "column 'took' is of type duration"},
       }) {
    check_refused(scene, scene.setup({"import", name, "-c", "new.db"}), files, {name, what});
    check_refused(scene, scene.setup({"harvest", name, "-t", "fake", "-c", "new.db"}), files, {name, what});
  }
  for (const std::string words : {"harvest - -t fake", "import -"}) {
    ProgramSetup piped =
        scene.setup({"-c", "cat bytes.parquet | " RETORT_BINARY_DIR "/retort " + words + " -c piped.db"});
    piped.executable = "/bin/sh";
    const ProgramEnd end = Program(piped).wait();
    CAPTURE(end.err);
    CHECK(end.code == 2);
    CHECK(has(end.err, "cannot be read from a pipe: save it as a file"));
  }

  const ProgramEnd torn = scene.run({"import", "damaged.parquet", "-c", "damaged.db"});
  CHECK(torn.code == 2);
  CHECK(has(torn.err, "damaged.parquet:1: Parquet cannot be read from here on"));
  for (const std::vector<std::string>& more : std::vector<std::vector<std::string>>{{}, {"--dry-run"}}) {
    std::vector<std::string> words{"harvest", "damaged.parquet", "-t", "fake", "--skip-bad-rows"};
    words.insert(words.end(), more.begin(), more.end());
    const ProgramEnd end = scene.run(words);  // what follows is no broken row that may be skipped
    CHECK(end.code == 2);
    CHECK(has(end.err, "damaged.parquet:1: Parquet cannot be read from here on"));
  }
  CHECK(scene.teacher().requests() == 0);

  const ProgramEnd odd = scene.run({"import", "bytes.parquet", "-c", "bytes.db"});
  CHECK(odd.code == 2);
  CHECK(has(odd.err, "bytes.parquet:3: column 'odd'"));
  CHECK(has(odd.err, "2 pairs imported"));
  CHECK(scene.run({"harvest", "bytes.parquet", "-t", "fake", "-q", "--skip-bad-rows"}).code == 3);
  CHECK(scene.teacher().delivered() == 1);  // two rows that ask the same
}

TEST_CASE("a small file that unpacks to more than memory holds is refused", "[e2e][parquet]") {
  if (!has_module()) return;
  Scene scene;
  for (const std::string name : {"page.parquet", "list.parquet"}) {
    scene.write(name, read_bytes(std::string(RETORT_SOURCE_DIR) + "/tests/parquet/" + name));
  }
  for (const auto& [name, what] : {std::pair{"page.parquet", "512 MiB"}, std::pair{"list.parquet", "column 'all'"}}) {
    const ProgramEnd end = scene.run({"harvest", name, "-t", "fake", "--dry-run"});
    CAPTURE(end.err);
    CHECK(end.code == 2);
    CHECK(said(end).size() == 1);
    CHECK(has(end.err, std::string(name) + ":1: "));
    CHECK(has(end.err, what));
    CHECK(end.peak_memory_kib < 3 << 19);
  }
}

TEST_CASE("evaluation sets may be Parquet", "[e2e][parquet][curate]") {
  if (!has_module()) return;
  Scene scene;
  scene.write("in.jsonl", pairs(30));
  scene.write("set.jsonl",
              Json({{"prompt", "Who was the first of all men to walk on the moon, in which year, and who came next?"},
                    {"completion", "It was."}})
                      .dump() +
                  "\n");
  scene.write("recipe.toml", "name = \"mine\"\n[[stage]]\nstage = \"decontaminate\"\nsets = [\"set.parquet\"]\n");
  REQUIRE(scene.run({"import", "in.jsonl", "set.jsonl", "--may-train", "yes"}).code == 0);
  REQUIRE(scene.run({"import", "set.jsonl", "-c", "set.db", "--may-train", "yes"}).code == 0);
  REQUIRE(scene.run({"export", "-c", "set.db", "-f", "alpaca", "-o", "set.parquet"}).code == 0);
  const ProgramEnd end = scene.run({"curate", "--recipe", "recipe.toml", "--json"});
  CAPTURE(end.err);
  REQUIRE(end.code == 0);
  CHECK(json_of(end.out)["pairs"] == 30);
  scene.write("set.parquet", "PAR1");
  const ProgramEnd bad = scene.run({"curate", "--recipe", "recipe.toml"});
  CHECK(bad.code == 2);
  CHECK(has(bad.err, "set.parquet"));
}

}  // namespace retort
