#include "core/base/random.h"
#include "core/grade/math_value.h"

namespace retort {
namespace {

using Kind = MathNode::Kind;
__extension__ using Wide = unsigned __int128;

constexpr std::uint64_t kPrime = 2305843009213693921ULL;  // 2^61 - 31, one more than a multiple of four
constexpr std::int64_t kExponentMax = 1'000'000'000'000'000;
constexpr std::int64_t kFactorialMax = 2000;

std::uint64_t add(std::uint64_t a, std::uint64_t b) { return (a + b) % kPrime; }
std::uint64_t negated(std::uint64_t a) { return a == 0 ? 0 : kPrime - a; }
std::uint64_t times(std::uint64_t a, std::uint64_t b) {
  return static_cast<std::uint64_t>(static_cast<Wide>(a) * b % kPrime);
}
std::uint64_t raised(std::uint64_t base, std::uint64_t exponent) {
  std::uint64_t result = 1;
  for (; exponent > 0; exponent >>= 1) {
    if (exponent & 1) result = times(result, base);
    base = times(base, base);
  }
  return result;
}
std::optional<std::uint64_t> inverse(std::uint64_t a) {
  if (a == 0) return {};
  return raised(a, kPrime - 2);
}

std::uint64_t root_of_minus_one() {
  static const std::uint64_t root = [] {
    std::uint64_t base = 2;
    while (raised(base, (kPrime - 1) / 2) == 1) ++base;
    return raised(base, (kPrime - 1) / 4);
  }();
  return root;
}

std::uint64_t decimal(const std::string& digits) {
  std::uint64_t value = 0, scale = 1;
  bool fraction = false;
  for (const char c : digits) {
    if (c == '.') {
      fraction = true;
      continue;
    }
    value = add(times(value, 10), static_cast<std::uint64_t>(c - '0'));
    if (fraction) scale = times(scale, 10);
  }
  return times(value, *inverse(scale));
}

std::uint64_t symbol_value(const std::string& name, std::uint64_t seed) {
  if (name == "i") return root_of_minus_one();
  std::uint64_t hash = seed;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return Random(hash).next() % kPrime;
}

std::optional<std::uint64_t> call(const MathNode& node) {
  const auto n = small_integer(node.parts[0]);
  if (!n || *n < 0 || *n > kFactorialMax) return {};
  std::uint64_t value = 1;
  if (node.name == "factorial") {
    for (std::int64_t i = 2; i <= *n; ++i) value = times(value, static_cast<std::uint64_t>(i));
    return value;
  }
  if (node.name != "binom") return {};
  const auto k = small_integer(node.parts[1]);
  if (!k || *k < 0 || *k > *n) return {};
  for (std::int64_t i = 1; i <= *k; ++i)
    value = times(times(value, static_cast<std::uint64_t>(*n - *k + i)), *inverse(static_cast<std::uint64_t>(i)));
  return value;
}

}  // namespace

std::optional<std::uint64_t> value_modulo(const Math& math, std::uint64_t seed) {
  const auto& parts = math->parts;
  const auto part = [&](std::size_t i) { return value_modulo(parts[i], seed); };
  switch (math->kind) {
    case Kind::number:
      return decimal(math->name);
    case Kind::symbol:
      if (math->name == "infinity" || math->name.starts_with("mathbb")) return {};
      return symbol_value(math->name, seed);
    case Kind::sum:
    case Kind::product: {
      std::uint64_t total = math->kind == Kind::sum ? 0 : 1;
      for (std::size_t i = 0; i < parts.size(); ++i) {
        const auto value = part(i);
        if (!value) return {};
        total = math->kind == Kind::sum ? add(total, *value) : times(total, *value);
      }
      return total;
    }
    case Kind::negative: {
      const auto value = part(0);
      return value ? std::optional(negated(*value)) : value;
    }
    case Kind::quotient: {
      const auto top = part(0), bottom = part(1);
      const auto over = bottom ? inverse(*bottom) : bottom;
      return top && over ? std::optional(times(*top, *over)) : std::nullopt;
    }
    case Kind::percent: {
      const auto value = part(0);
      return value ? std::optional(times(*value, *inverse(100))) : value;
    }
    case Kind::power: {
      const auto exponent = small_integer(parts[1]);
      auto base = exponent ? part(0) : std::nullopt;
      if (base && *exponent < 0) base = inverse(*base);
      if (!base || (*base == 0 && *exponent == 0)) return {};
      return raised(*base, static_cast<std::uint64_t>(*exponent < 0 ? -*exponent : *exponent));
    }
    case Kind::call:
      return call(*math);
    default:
      return {};
  }
}

std::optional<std::int64_t> small_integer(const Math& math) {
  const auto bounded = [](std::int64_t value) {
    return value >= -kExponentMax && value <= kExponentMax ? std::optional(value) : std::nullopt;
  };
  const auto& parts = math->parts;
  switch (math->kind) {
    case Kind::number: {
      if (math->name.size() > 15 || math->name.find('.') != std::string::npos) return {};
      return std::stoll(math->name);
    }
    case Kind::negative: {
      const auto value = small_integer(parts[0]);
      return value ? bounded(-*value) : value;
    }
    case Kind::sum:
    case Kind::product: {
      std::int64_t total = math->kind == Kind::sum ? 0 : 1;
      for (const Math& one : parts) {
        const auto value = small_integer(one);
        if (!value) return {};
        if (math->kind == Kind::product && __builtin_mul_overflow(total, *value, &total)) return {};
        if (math->kind == Kind::sum) total += *value;
        if (!bounded(total)) return {};
      }
      return total;
    }
    case Kind::quotient: {
      const auto top = small_integer(parts[0]), bottom = small_integer(parts[1]);
      if (!top || !bottom || *bottom == 0 || *top % *bottom != 0) return {};
      return *top / *bottom;
    }
    default:
      return {};
  }
}

bool is_constant(const Math& math) {
  if (math->kind == Kind::symbol) return math->name == "pi" || math->name == "e" || math->name == "i";
  if (math->kind == Kind::text) return false;
  for (const Math& part : math->parts) {
    if (!is_constant(part)) return false;
  }
  return true;
}

}  // namespace retort
