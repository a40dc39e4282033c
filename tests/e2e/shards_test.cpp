// Token shards and compressed lines from the command line: what is written is what the tokenizer's own template says,
// and loads again as it was.
#include <cstring>

#include "core/text/chat_template.h"
#include "tests/catch.h"
#include "tests/e2e/scene.h"

namespace retort {
namespace {

std::string tokenizer_file() { return std::string(RETORT_SOURCE_DIR) + "/tests/unit/tokenizer/tokenizer.json"; }

/// A corpus of answers with and without reasoning, and a tokenizer with its template.
struct Shelf {
  Shelf() {
    std::string lines;
    for (int i = 1; i <= 40; ++i) {
      const Json pair = {{"messages",
                          {{{"role", "user"}, {"content", "What is " + std::to_string(i) + "? <|end|>"}},
                           {{"role", "assistant"},
                            {"content", "It is " + std::string(static_cast<std::size_t>(i), 'x') + "."},
                            {"reasoning_content", i % 2 == 0 ? "Let me see." : ""}}}}};
      lines += pair.dump() + "\n";
    }
    scene.write("in.jsonl", lines);
    REQUIRE(scene.run({"import", "in.jsonl", "--may-train", "yes"}).code == 0);
    scene.write("tokenizer.json", read_bytes(tokenizer_file()));
    scene.write("tokenizer_config.json", tokenizer_config_json(1024));
    auto chat = ChatTokenizer::create(BpeTokenizer::from_json(scene.read("tokenizer.json")).value());
    for (const Json& line : json_lines(lines)) {
      const Json prompt = Json::array({line["messages"][0]});
      const Json& answer = line["messages"][1];
      rows.push_back(chat->encode(render_pair(prompt, {answer["reasoning_content"], answer["content"]}).value()).ids);
    }
  }
  std::vector<TokenId> all() const {
    std::vector<TokenId> tokens;
    for (const auto& row : rows) tokens.insert(tokens.end(), row.begin(), row.end());
    return tokens;
  }
  ProgramEnd write(const std::string& format, const std::string& output, std::vector<std::string> more = {}) {
    std::vector<std::string> words = {"export", "-f", format, "--tokenizer", "tokenizer.json", "-o", output};
    words.insert(words.end(), more.begin(), more.end());
    return scene.run(words);
  }
  std::vector<TokenId> tokens_in(const std::string& name, std::size_t from) const {
    const std::string bytes = scene.read(name);
    std::vector<TokenId> tokens;
    for (std::size_t i = from; i + 1 < bytes.size(); i += 2)
      tokens.push_back(static_cast<unsigned char>(bytes[i]) | static_cast<unsigned char>(bytes[i + 1]) << 8);
    return tokens;
  }
  template <class Number>
  Number number_in(const std::string& name, std::size_t at) const {
    const std::string bytes = scene.read(name);
    Number number{};
    std::memcpy(&number, bytes.data() + at, sizeof number);
    return number;
  }

  Scene scene;
  std::vector<std::vector<TokenId>> rows;
};

}  // namespace

TEST_CASE("token shards read back equal", "[e2e][export]") {
  Shelf shelf;
  const std::vector<TokenId> all = shelf.all();

  REQUIRE(shelf.write("llmc", "one.bin").code == 0);
  CHECK(shelf.number_in<std::int32_t>("one.bin", 0) == 20240520);
  CHECK(shelf.number_in<std::int32_t>("one.bin", 4) == 1);
  CHECK(shelf.number_in<std::int32_t>("one.bin", 8) == static_cast<std::int32_t>(all.size()));
  CHECK(shelf.tokens_in("one.bin", 1024) == all);

  REQUIRE(shelf.write("nanogpt", "train.bin").code == 0);
  CHECK(shelf.tokens_in("train.bin", 0) == all);
  CHECK(has(shelf.scene.read("meta.pkl"), "vocab_size"));

  REQUIRE(shelf.write("megatron", "data").code == 0);
  CHECK(shelf.tokens_in("data.bin", 0) == all);
  REQUIRE(shelf.number_in<std::uint64_t>("data.idx", 18) == shelf.rows.size());
  REQUIRE(shelf.number_in<std::uint64_t>("data.idx", 26) == shelf.rows.size() + 1);
  std::uint64_t begins = 0;
  for (std::size_t i = 0; i < shelf.rows.size(); ++i) {
    CHECK(shelf.number_in<std::int32_t>("data.idx", 34 + 4 * i) == static_cast<std::int32_t>(shelf.rows[i].size()));
    CHECK(shelf.number_in<std::uint64_t>("data.idx", 34 + 4 * shelf.rows.size() + 8 * i) == begins);
    begins += 2 * shelf.rows[i].size();
  }
  const Json manifest = json_of(shelf.scene.read("data.manifest.json"));
  CHECK(manifest["export"]["lines"] == shelf.rows.size());
  CHECK(manifest["export"]["shards"][0]["tokens"] == all.size());
  CHECK(manifest["export"]["tokenizer"]["vocabulary"].is_number());
  CHECK(shelf.scene.run({"verify-manifest", "data.manifest.json"}).code == 0);
}

TEST_CASE("shards hold whole pairs, and none is left over from before", "[e2e][export]") {
  Shelf shelf;
  REQUIRE(shelf.write("llmc", "s.bin", {"--shard-tokens", "300"}).code == 0);
  const Json manifest = json_of(shelf.scene.read("s.bin.manifest.json"));
  const Json& shards = manifest["export"]["shards"];
  REQUIRE(shards.size() > 3);
  std::vector<TokenId> joined;
  for (const Json& shard : shards) {
    const auto tokens = shelf.tokens_in(shard["file"], 1024);
    CHECK(tokens.size() <= 300);
    CHECK(shard["tokens"] == tokens.size());
    CHECK(shelf.number_in<std::int32_t>(shard["file"], 8) == static_cast<std::int32_t>(tokens.size()));
    joined.insert(joined.end(), tokens.begin(), tokens.end());
  }
  CHECK(joined == shelf.all());

  // Fewer and larger ones would leave old ones that loaders read as well.
  const std::string first = shelf.scene.read("s_000000.bin");
  const ProgramEnd fewer = shelf.write("llmc", "s.bin", {"--shard-tokens", "1000"});
  CHECK(fewer.code == 2);
  CHECK(has(fewer.err, "left from a longer export"));
  CHECK(shelf.scene.read("s_000000.bin") == first);
  for (const std::string& name : shelf.scene.files()) CHECK_FALSE(has(name, "partial"));
}

TEST_CASE("what token shards cannot be is said before anything is written", "[e2e][export]") {
  Shelf shelf;
  const auto refused = [&](std::vector<std::string> words, const std::string& why) {
    words.insert(words.begin(), "export");
    const ProgramEnd end = shelf.scene.run(words);
    CHECK(end.code == 2);
    CHECK(has(end.err, why));
  };
  refused({"-f", "llmc", "-o", "x.bin"}, "wants the tokenizer");
  refused({"-f", "llmc", "--tokenizer", "nowhere", "-o", "x.bin"}, "there is no tokenizer nowhere");
  refused({"-f", "llmc", "--tokenizer", "tokenizer.json", "-o", "-"}, "not standard output");
  refused({"-f", "llmc", "--tokenizer", "tokenizer.json", "--compress", "gzip", "-o", "x.bin"}, "--compress");
  refused({"-f", "chat", "--shard-tokens", "5", "-o", "x.bin"}, "goes with token shards");
  shelf.scene.write("tokenizer_config.json", "{}");
  refused({"-f", "llmc", "--tokenizer", "tokenizer.json", "-o", "x.bin"}, "--chat-template");
  for (const std::string& name : shelf.scene.files()) CHECK_FALSE(has(name, "x.bin"));
}

TEST_CASE("compressed exports are the same lines and come in again", "[e2e][export]") {
  Shelf shelf;
  Scene& scene = shelf.scene;
  REQUIRE(scene.run({"export", "--bare", "-o", "plain.jsonl"}).code == 0);
  for (const std::string ending : {".gz", ".zst"}) {
    CAPTURE(ending);
    const std::string name = "packed.jsonl" + ending;
    REQUIRE(scene.run({"export", "--bare", "-o", name}).code == 0);
    CHECK(scene.read(name).size() < scene.read("plain.jsonl").size());
    const ProgramEnd stream =
        scene.run({"export", "--bare", "--compress", ending == ".gz" ? "gzip" : "zstd", "-o", "-"});
    CHECK(stream.out == scene.read(name));
    CHECK(json_of(scene.read(name + ".manifest.json"))["export"]["compression"] == (ending == ".gz" ? "gzip" : "zstd"));
    REQUIRE(scene.run({"import", name, "-c", "again" + ending + ".db", "--may-train", "yes"}).code == 0);
    REQUIRE(scene.run({"export", "--bare", "-c", "again" + ending + ".db", "-o", "back.jsonl"}).code == 0);
    CHECK(scene.read("back.jsonl") == scene.read("plain.jsonl"));
    scene.write("cut" + ending, scene.read(name).substr(0, scene.read(name).size() / 2));
    const ProgramEnd cut = scene.run({"import", "cut" + ending, "-c", "cut.db"});
    CHECK(cut.code == 2);
    CHECK(has(cut.err, "ends in the middle"));
  }
}

}  // namespace retort
