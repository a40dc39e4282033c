#include "core/weights/safetensors.h"

#include <algorithm>

#include "core/base/json.h"

namespace retort {
namespace {

constexpr std::uint64_t kHeaderMax = 100'000'000;
constexpr std::size_t kSizeBytes = 8;

Failure refused(const std::string& what) { return fail(Errc::usage, "safetensors: " + what); }

std::uint64_t read_u64(std::string_view bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = kSizeBytes; i-- > 0;) value = (value << 8) | static_cast<std::uint8_t>(bytes[i]);
  return value;
}

std::optional<Numbers> numbers_of(std::string_view name) {
  for (const Numbers numbers : {Numbers::f32, Numbers::f16, Numbers::bf16}) {
    if (layout_of(numbers).name == name) return numbers;
  }
  return std::nullopt;
}

Result<StoredTensor> read_entry(const std::string& name, const Json& entry, std::string_view data) {
  const std::string which = "tensor '" + name.substr(0, 80) + "' ";
  if (!entry.is_object()) return refused(which + "is no object");
  const std::string type = json_text(entry, "dtype");
  const auto numbers = numbers_of(type);
  if (!numbers) return refused(which + "is " + type.substr(0, 20) + ": only F32, F16 and BF16 are read");
  const Json& shape = json_child(entry, "shape");
  const Json& offsets = json_child(entry, "data_offsets");
  if (!shape.is_array() || shape.size() > 8 || !offsets.is_array() || offsets.size() != 2)
    return refused(which + "has no valid shape and place");
  StoredTensor tensor;
  tensor.numbers = *numbers;
  for (const Json& size : shape) {
    if (!size.is_number_unsigned() || size.get<std::uint64_t>() > (1ULL << 40))
      return refused(which + "has no valid shape");
    tensor.shape.push_back(size.get<std::int64_t>());
  }
  if (!offsets[0].is_number_unsigned() || !offsets[1].is_number_unsigned())
    return refused(which + "has no valid place");
  const auto begin = offsets[0].get<std::uint64_t>(), end = offsets[1].get<std::uint64_t>();
  if (begin > end || end > data.size()) return refused(which + "lies outside the file");
  const auto count = count_of(tensor.shape);
  if (!count || bytes_of(*numbers, *count) != end - begin)
    return refused(which + "has a place that does not fit its shape");
  tensor.bytes = data.substr(begin, end - begin);
  return tensor;
}

}  // namespace

Result<TensorMap> parse_safetensors(std::string_view bytes) {
  if (bytes.size() < kSizeBytes) return refused("shorter than its first eight bytes");
  const std::uint64_t header_size = read_u64(bytes);
  if (header_size > kHeaderMax || header_size > bytes.size() - kSizeBytes)
    return refused("the header is longer than the file or than allowed");
  const std::string_view header = bytes.substr(kSizeBytes, header_size);
  if (!header.starts_with('{')) return refused("the header does not begin with {");
  const auto json = parse_json(header);
  if (!json || !json->is_object()) return refused("the header is no JSON object");

  const std::string_view data = bytes.substr(kSizeBytes + header_size);
  TensorMap tensors;
  std::vector<std::string_view> places;
  for (const auto& [name, entry] : json->items()) {
    if (name == "__metadata__") continue;
    auto tensor = read_entry(name, entry, data);
    if (!tensor) return fail(tensor.error());
    places.push_back(tensor->bytes);
    tensors.emplace(name, std::move(*tensor));
  }
  std::sort(places.begin(), places.end(), [](std::string_view a, std::string_view b) {
    return std::pair(a.data(), a.size()) < std::pair(b.data(), b.size());
  });
  const char* covered = data.data();
  for (const std::string_view place : places) {
    if (place.data() != covered) return refused("tensors overlap, or bytes belong to none");
    covered += place.size();
  }
  if (covered != data.data() + data.size()) return refused("bytes after the last tensor");
  return tensors;
}

Result<void> write_safetensors(const std::vector<TensorToWrite>& tensors, const ByteSink& sink) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  header["__metadata__"] = {{"format", "pt"}};
  std::size_t at = 0;
  for (const TensorToWrite& tensor : tensors) {
    const auto bytes = bytes_of(tensor.numbers, tensor.count());
    RETORT_ASSERT(bytes.has_value());
    header[tensor.name] = {
        {"dtype", layout_of(tensor.numbers).name}, {"shape", tensor.shape}, {"data_offsets", {at, at + *bytes}}};
    at += *bytes;
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');  // so that the numbers are aligned
  std::string size;
  for (std::size_t i = 0; i < kSizeBytes; ++i) size += static_cast<char>(text.size() >> (8 * i));
  if (auto written = sink(size + text); !written) return written;
  for (const TensorToWrite& tensor : tensors) {
    if (auto written = write_numbers(tensor, sink); !written) return written;
  }
  return {};
}

}  // namespace retort
