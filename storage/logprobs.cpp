#include "storage/logprobs.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <unordered_map>

namespace retort {
namespace {

constexpr char kVersion = 1;
/// An alternative that is the token itself, with the token's own log probability: needs neither name nor number.
constexpr std::uint64_t kItself = 0;

void put_number(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}

template <class Unsigned>
void put_fixed(std::string& out, Unsigned value) {
  for (std::size_t i = 0; i < sizeof value; ++i) out += static_cast<char>(value >> (8 * i));
}

class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}

  std::uint64_t number() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 63; shift += 7) {
      const std::uint8_t byte = next();
      value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    broken_ = true;
    return 0;
  }
  /// A number of things that take a byte each at least: more than there are bytes left is a lie.
  std::size_t count() {
    const std::uint64_t value = number();
    if (value > bytes_.size()) broken_ = true;
    return broken_ ? 0 : static_cast<std::size_t>(value);
  }
  template <class Unsigned>
  Unsigned fixed() {
    Unsigned value = 0;
    for (std::size_t i = 0; i < sizeof value; ++i) value |= static_cast<Unsigned>(Unsigned{next()} << (8 * i));
    return value;
  }
  std::string text(std::size_t size) {
    if (size > bytes_.size()) broken_ = true;
    if (broken_) return {};
    std::string result(bytes_.substr(0, size));
    bytes_.remove_prefix(size);
    return result;
  }
  bool broken() const { return broken_; }
  bool at_end() const { return bytes_.empty(); }

 private:
  std::uint8_t next() {
    if (bytes_.empty()) broken_ = true;
    if (broken_) return 0;
    const auto byte = static_cast<std::uint8_t>(bytes_.front());
    bytes_.remove_prefix(1);
    return byte;
  }

  std::string_view bytes_;
  bool broken_ = false;
};

/// Each distinct token once, in order of its first use.
class Names {
 public:
  std::uint64_t index_of(const std::string& bytes) {
    const auto [found, is_new] = indices_.emplace(bytes, indices_.size());
    if (is_new) order_.push_back(&found->first);
    return found->second;
  }
  void put(std::string& out) const {
    put_number(out, order_.size());
    for (const std::string* name : order_) put_number(out, name->size());
    for (const std::string* name : order_) out += *name;
  }

 private:
  std::unordered_map<std::string, std::uint64_t> indices_;  // its keys stay where they are
  std::vector<const std::string*> order_;
};

}  // namespace

std::string pack_logprobs(const std::vector<TokenLogprob>& tokens) {
  Names names;
  std::string chosen, counts, others, floats, halves;
  for (const TokenLogprob& token : tokens) {
    put_number(chosen, names.index_of(token.bytes));
    put_number(counts, token.top.size());
    put_fixed(floats, std::bit_cast<std::uint32_t>(static_cast<float>(token.logprob)));
    for (const auto& other : token.top) {
      if (other.bytes == token.bytes && other.logprob == token.logprob) {
        put_number(others, kItself);
        continue;
      }
      put_number(others, names.index_of(other.bytes) + 1);
      put_fixed(halves, to_half(other.logprob));
    }
  }
  std::string packed(1, kVersion);
  put_number(packed, tokens.size());
  names.put(packed);
  return packed + chosen + counts + others + floats + halves;
}

Result<std::vector<TokenLogprob>> unpack_logprobs(std::string_view packed) {
  const auto damaged = [] { return fail(Errc::corpus, "log probabilities: damaged, or of a newer retort"); };
  Reader in(packed);
  if (in.fixed<std::uint8_t>() != kVersion) return damaged();
  std::vector<TokenLogprob> tokens(in.count());
  std::vector<std::string> names(in.count());
  std::vector<std::size_t> sizes(names.size());
  for (std::size_t& size : sizes) size = in.count();
  for (std::size_t i = 0; i < names.size(); ++i) names[i] = in.text(sizes[i]);
  const auto name = [&](std::uint64_t index) -> const std::string* {
    return index < names.size() ? &names[static_cast<std::size_t>(index)] : nullptr;
  };
  for (TokenLogprob& token : tokens) {
    const std::string* its = name(in.number());
    if (!its) return damaged();
    token.bytes = *its;
  }
  std::size_t alternatives = 0;
  std::vector<std::size_t> counts(tokens.size());
  for (std::size_t& count : counts) {
    count = in.count();
    alternatives += count;
    if (in.broken() || alternatives > packed.size()) return damaged();
  }
  std::vector<std::uint64_t> others(alternatives);
  for (std::uint64_t& other : others) {
    other = in.number();
    if (other != kItself && !name(other - 1)) return damaged();
  }
  for (TokenLogprob& token : tokens) token.logprob = std::bit_cast<float>(in.fixed<std::uint32_t>());
  auto other = others.begin();
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    tokens[i].top.resize(counts[i]);
    for (auto& top : tokens[i].top) {
      const bool itself = *other == kItself;
      top.bytes = itself ? tokens[i].bytes : *name(*other - 1);
      top.logprob = itself ? tokens[i].logprob : from_half(in.fixed<std::uint16_t>());
      ++other;
    }
  }
  if (in.broken() || !in.at_end()) return damaged();
  return tokens;
}

std::uint16_t to_half(double value) {
  const std::uint16_t sign = std::signbit(value) ? 0x8000 : 0;
  const double size = std::abs(value);
  if (std::isnan(value)) return sign | 0x7e00;
  if (size >= 65520) return sign | 0x7c00;
  if (size < 0x1p-24 / 2) return sign;
  int exponent = 0;
  std::frexp(size, &exponent);                    // size = f * 2^exponent, f in [0.5, 1)
  const int step = std::max(exponent, -13) - 11;  // the value of the last of 11 bits; fewer below 2^-14
  const auto units = static_cast<std::uint16_t>(std::nearbyint(std::ldexp(size, -step)));
  // A carry out of the mantissa lands in the exponent, where it belongs.
  return static_cast<std::uint16_t>(sign + ((step + 24) << 10) + units);
}

double from_half(std::uint16_t half) {
  const int exponent = (half >> 10) & 0x1f;
  const int mantissa = half & 0x3ff;
  double size = 0;
  if (exponent == 0x1f) {
    size = mantissa ? std::numeric_limits<double>::quiet_NaN() : std::numeric_limits<double>::infinity();
  } else {
    size = exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(mantissa + 0x400, exponent - 25);
  }
  return half & 0x8000 ? -size : size;
}

}  // namespace retort
