// Raw bodies: what goes in comes out, and what was never put in is refused cheaply.
#include "storage/compression.h"

#include <zstd.h>

#include "core/base/random.h"
#include "tests/catch.h"

namespace retort {

TEST_CASE("bytes survive compression", "[unit]") {
  Compressor compressor;
  Random random(1);
  for (const std::size_t size : {0, 1, 7, 300, 3000, 200'000}) {
    std::string noise(size, '\0');
    for (char& byte : noise) byte = static_cast<char>(random.next());
    const std::string text(size, 'a');
    for (const std::string& bytes : {noise, text}) {
      const auto back = decompress(compressor.compress(bytes), size);
      REQUIRE_OK(back);
      CHECK(*back == bytes);
    }
    if (size > 100) CHECK(compressor.compress(text).size() < size / 5);
  }
}

TEST_CASE("a bomb is refused before memory is taken for it", "[unit]") {
  Compressor compressor;
  const std::string bomb = compressor.compress(std::string(64 << 20, '\0'));
  REQUIRE(bomb.size() < 10'000);
  const auto refused = decompress(bomb, 1 << 20);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::corpus);
  CHECK(refused.error().message.find("67108864") != std::string::npos);
  // Two frames: the first is honest, the second is not in its account.
  CHECK_FALSE(decompress(compressor.compress("ab") + bomb, 1 << 20));
}

TEST_CASE("what is no frame of ours is refused", "[unit]") {
  Compressor compressor;
  const std::string frame = compressor.compress(std::string(5000, 'x') + "the end");
  CHECK_FALSE(decompress("", 100));
  CHECK_FALSE(decompress("not zstd at all", 100));
  for (std::size_t size = 0; size < frame.size(); ++size) CHECK_FALSE(decompress(frame.substr(0, size), 10'000));
  CHECK_FALSE(decompress(frame + "junk", 10'000));

  std::string unsized(200, '\0');
  ZSTD_CCtx* context = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 0);
  unsized.resize(ZSTD_compress2(context, unsized.data(), unsized.size(), "abc", 3));
  ZSTD_freeCCtx(context);
  const auto refused = decompress(unsized, 100);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message.find("state") != std::string::npos);
}

TEST_CASE("random damage never does more than fail", "[unit]") {
  Compressor compressor;
  Random random(2);
  const std::string original(3000, 'y');
  const std::string frame = compressor.compress(original + "z");
  for (int round = 0; round < 2000; ++round) {
    std::string damaged = frame;
    for (int i = 0; i < 3; ++i)
      damaged[static_cast<std::size_t>(random.between(0, static_cast<std::int64_t>(frame.size()) - 1))] =
          static_cast<char>(random.next());
    if (const auto bytes = decompress(damaged, 10'000)) CHECK(bytes->size() <= 10'000);
  }
}

}  // namespace retort
