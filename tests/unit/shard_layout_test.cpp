// Token shards, byte by byte as the loaders of others read them.
#include "core/shards/shard_layout.h"

#include "tests/catch.h"

namespace retort {
namespace {

std::string bytes_of(std::initializer_list<int> values) {
  std::string bytes;
  for (const int value : values) bytes += static_cast<char>(value);
  return bytes;
}

}  // namespace

TEST_CASE("llm.c's header says magic, version and tokens", "[unit][shards]") {
  const auto small = shard_header(ShardFormat::llmc, 2, 0x01020304);
  REQUIRE_OK(small);
  REQUIRE(small->size() == 1024);
  CHECK(small->substr(0, 12) == bytes_of({0x88, 0xd8, 0x34, 0x01, 1, 0, 0, 0, 4, 3, 2, 1}));  // 20240520
  CHECK(small->substr(12) == std::string(1012, '\0'));
  const auto large = shard_header(ShardFormat::llmc, 4, 5);
  REQUIRE_OK(large);
  CHECK(large->substr(0, 12) == bytes_of({0xa1, 0xd9, 0x34, 0x01, 7, 0, 0, 0, 5, 0, 0, 0}));  // 20240801
  CHECK(shard_header(ShardFormat::llmc, 2, std::int64_t{1} << 31).error().code == Errc::usage);
  CHECK(shard_header(ShardFormat::nanogpt, 2, 5)->empty());
  CHECK(shard_header(ShardFormat::megatron, 2, 5)->empty());
}

TEST_CASE("tokens take two bytes where the vocabulary lets them", "[unit][shards]") {
  CHECK(token_bytes(ShardFormat::llmc, 65536) == 2);
  CHECK(token_bytes(ShardFormat::nanogpt, 65537) == 4);
  CHECK(token_bytes(ShardFormat::megatron, 65499) == 2);
  CHECK(token_bytes(ShardFormat::megatron, 65500) == 4);
  const std::vector<TokenId> ids = {1, 513, 65535};
  std::string two, four;
  append_tokens(ids, 2, two);
  append_tokens(ids, 4, four);
  CHECK(two == bytes_of({1, 0, 1, 2, 0xff, 0xff}));
  CHECK(four == bytes_of({1, 0, 0, 0, 1, 2, 0, 0, 0xff, 0xff, 0, 0}));
}

TEST_CASE("Megatron's index: lengths, where each begins, where documents end", "[unit][shards]") {
  auto index = MegatronIndex::create();
  REQUIRE_OK(index);
  REQUIRE_OK(index->add(3));
  REQUIRE_OK(index->add(300));
  std::string bytes;
  REQUIRE_OK(index->write(2, [&bytes](std::string_view part) -> Result<void> {
    bytes += part;
    return {};
  }));
  const auto eight = [](int value) { return bytes_of({value, 0, 0, 0, 0, 0, 0, 0}); };
  CHECK(bytes == std::string("MMIDIDX\0\0", 9) + eight(1) + bytes_of({8}) + eight(2) + eight(3) +
                     bytes_of({3, 0, 0, 0, 44, 1, 0, 0}) + eight(0) + eight(6) + eight(0) + eight(1) + eight(2));
}

TEST_CASE("nanoGPT's meta is a pickle of one number", "[unit][shards]") {
  // As pickle.dumps({"vocab_size": 49152}, 2) writes it, without the memo that nothing reads.
  CHECK(nanogpt_meta(49152) ==
        bytes_of({0x80, 2, '}', 'X', 10, 0, 0, 0}) + "vocab_sizeJ" + bytes_of({0, 0xc0, 0, 0}) + "s.");
}

}  // namespace retort
