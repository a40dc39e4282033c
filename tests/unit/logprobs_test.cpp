// The packed form of log probabilities: what goes in comes out, and no bytes do harm.
#include "storage/logprobs.h"

#include <cmath>

#include "core/base/random.h"
#include "storage/compression.h"
#include "tests/catch.h"

namespace retort {
namespace {

std::vector<TokenLogprob> sample() {
  return {{"Hello", -0.1234567F, {{"Hello", -0.1234567F}, {"Hi", -2.5F}, {"\xe4\xbd", -7.25F}}},
          {std::string("\0", 1), 0.0F, {}},
          {"", -9999.0F, {{"Hello", -1e-6F}}},
          {"Hello", -0.5F, {{"Hello", -0.25F}}}};
}

void check_equal(const std::vector<TokenLogprob>& found, const std::vector<TokenLogprob>& wanted) {
  REQUIRE(found.size() == wanted.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    INFO("token " << i);
    CHECK(found[i].bytes == wanted[i].bytes);
    CHECK(found[i].logprob == wanted[i].logprob);
    REQUIRE(found[i].top.size() == wanted[i].top.size());
    for (std::size_t k = 0; k < found[i].top.size(); ++k) {
      CHECK(found[i].top[k].bytes == wanted[i].top[k].bytes);
      const float exact = wanted[i].top[k].logprob;
      CHECK(std::abs(found[i].top[k].logprob - exact) <= std::abs(exact) * 0x1p-11F + 0x1p-25F);
    }
  }
}

}  // namespace

TEST_CASE("log probabilities come back: tokens to the bit, alternatives to eleven bits", "[unit]") {
  const auto back = unpack_logprobs(pack_logprobs(sample()));
  REQUIRE(back);
  check_equal(*back, sample());
  const auto none = unpack_logprobs(pack_logprobs({}));
  REQUIRE(none);
  CHECK(none->empty());
}

TEST_CASE("half precision is IEEE 754's, rounded to the nearest", "[unit]") {
  CHECK(to_half(0) == 0);
  CHECK(to_half(-1) == 0xbc00);
  CHECK(to_half(65504) == 0x7bff);
  CHECK(to_half(-70000) == 0xfc00);
  CHECK(to_half(0x1p-24) == 1);
  CHECK(to_half(0x1p-14) == 0x0400);
  CHECK(to_half(2047.0 / 2048) == 0x3bff);
  CHECK(to_half(4095.0 / 4096) == 0x3c00);  // a carry into the exponent
  for (std::uint32_t half = 0; half < 0x7c00; ++half) {
    if (to_half(from_half(static_cast<std::uint16_t>(half))) != half) FAIL("half " << half);
  }
}

TEST_CASE("damaged log probabilities are refused, whatever is wrong with them", "[unit]") {
  const std::string whole = pack_logprobs(sample());
  for (std::size_t size = 0; size < whole.size(); ++size) CHECK_FALSE(unpack_logprobs(whole.substr(0, size)));
  CHECK_FALSE(unpack_logprobs(whole + "x"));
  Random random(7);
  for (int i = 0; i < 2000; ++i) {
    std::string broken = whole;
    broken[random.next() % broken.size()] = static_cast<char>(random.next());
    (void)unpack_logprobs(broken);
  }
  CHECK_FALSE(unpack_logprobs("\x01\xff\xff\xff\xff\xff\xff\xff\x7f"));
}

}  // namespace retort
