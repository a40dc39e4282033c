#include "core/student/event_file.h"

#include <array>
#include <bit>
#include <cstring>

namespace retort {
namespace {

constexpr std::array<std::uint32_t, 256> kTable = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1) != 0 ? 0x82f63b78u : 0u);
    table[i] = value;
  }
  return table;
}();

template <class Number>
void put_little_endian(std::string& out, Number number) {
  static_assert(std::endian::native == std::endian::little);
  char bytes[sizeof number];
  std::memcpy(bytes, &number, sizeof number);
  out.append(bytes, sizeof number);
}

// Protobuf: a varint is seven bits a byte, the lowest first; a key is field · 8 + kind.
enum class Kind : unsigned { varint = 0, eight_bytes = 1, counted = 2, four_bytes = 5 };

void put_varint(std::string& out, std::uint64_t number) {
  for (; number >= 0x80; number >>= 7) out += static_cast<char>(number | 0x80);
  out += static_cast<char>(number);
}
void put_key(std::string& out, unsigned field, Kind kind) { put_varint(out, field << 3 | static_cast<unsigned>(kind)); }
void put_bytes(std::string& out, unsigned field, std::string_view bytes) {
  put_key(out, field, Kind::counted);
  put_varint(out, bytes.size());
  out += bytes;
}
void put_double(std::string& out, unsigned field, double number) {
  put_key(out, field, Kind::eight_bytes);
  put_little_endian(out, number);
}

// TFRecord masks a checksum, for data that hold checksums themselves.
std::uint32_t masked(std::string_view bytes) { return std::rotr(crc32c(bytes), 15) + 0xa282ead8u; }

std::string record(const std::string& event) {
  std::string out;
  put_little_endian(out, static_cast<std::uint64_t>(event.size()));
  put_little_endian(out, masked(out));
  out += event;
  put_little_endian(out, masked(event));
  return out;
}

template <class Number>
Number little_endian(std::string_view bytes) {
  Number number;
  std::memcpy(&number, bytes.data(), sizeof number);
  return number;
}

// Of an event as event_record() writes it; 0 of the first record.
std::uint64_t step_of(std::string_view event) {
  std::uint64_t step = 0;
  if (event.size() < 11 || event[9] != 0x10) return 0;
  for (std::size_t at = 10, shift = 0; at < event.size() && shift < 64; ++at, shift += 7) {
    step |= (static_cast<std::uint64_t>(event[at]) & 0x7f) << shift;
    if ((event[at] & 0x80) == 0) break;
  }
  return step;
}

}  // namespace

std::uint32_t crc32c(std::string_view bytes) {
  std::uint32_t crc = ~0u;
  for (const char byte : bytes) crc = (crc >> 8) ^ kTable[(crc ^ static_cast<unsigned char>(byte)) & 0xff];
  return ~crc;
}

std::string event_file_start(double wall_time) {
  std::string event;
  put_double(event, 1, wall_time);
  put_bytes(event, 3, "brain.Event:2");
  return record(event);
}

std::string event_record(double wall_time, std::int64_t step, std::span<const Scalar> scalars) {
  std::string summary;
  for (const auto& [tag, value] : scalars) {
    std::string one;
    put_bytes(one, 1, tag);
    put_key(one, 2, Kind::four_bytes);
    put_little_endian(one, static_cast<float>(value));
    put_bytes(summary, 1, one);
  }
  std::string event;
  put_double(event, 1, wall_time);
  put_key(event, 2, Kind::varint);
  put_varint(event, static_cast<std::uint64_t>(step));
  put_bytes(event, 5, summary);
  return record(event);
}

std::string events_until(std::string_view file, std::int64_t last_step) {
  constexpr std::size_t kBefore = 12, kAfter = 4;
  std::string kept;
  while (file.size() >= kBefore + kAfter) {
    const auto size = little_endian<std::uint64_t>(file);
    if (size > file.size() - kBefore - kAfter) break;
    const std::string_view event = file.substr(kBefore, size);
    if (little_endian<std::uint32_t>(file.substr(8)) != masked(file.substr(0, 8)) ||
        little_endian<std::uint32_t>(file.substr(kBefore + size)) != masked(event))
      break;
    const std::size_t whole = kBefore + size + kAfter;
    if (step_of(event) <= static_cast<std::uint64_t>(last_step)) kept += file.substr(0, whole);
    file.remove_prefix(whole);
  }
  return kept;
}

}  // namespace retort
