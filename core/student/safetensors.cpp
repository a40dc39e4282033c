#include "core/student/safetensors.h"

#include <algorithm>
#include <cstring>

#include "core/base/json.h"
#include "core/student/files.h"

namespace retort {
namespace {

constexpr std::uint64_t kHeaderMax = 100'000'000;
constexpr std::size_t kSizeBytes = 8;

Failure refused(const std::string& what) { return fail(Errc::usage, "safetensors: " + what); }

// Little-endian whatever the machine.
std::uint64_t read_u64(std::string_view bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = kSizeBytes; i-- > 0;) value = (value << 8) | static_cast<std::uint8_t>(bytes[i]);
  return value;
}

// Bytes of an fp32 tensor of this shape; nothing if that does not fit.
std::optional<std::size_t> bytes_of(const std::vector<std::int64_t>& shape) {
  std::size_t bytes = sizeof(float);
  for (const std::int64_t size : shape) {
    if (size < 0 || __builtin_mul_overflow(bytes, static_cast<std::size_t>(size), &bytes)) return std::nullopt;
  }
  return bytes;
}

Result<StoredTensor> read_entry(const std::string& name, const Json& entry, std::size_t data_begin,
                                std::size_t data_size) {
  const std::string which = "tensor '" + name.substr(0, 80) + "' ";
  if (!entry.is_object()) return refused(which + "is no object");
  if (json_text(entry, "dtype") != "F32") return refused(which + "is not F32");
  StoredTensor tensor;
  const Json& shape = json_child(entry, "shape");
  const Json& offsets = json_child(entry, "data_offsets");
  if (!shape.is_array() || shape.size() > 8 || !offsets.is_array() || offsets.size() != 2)
    return refused(which + "has no valid shape and place");
  for (const Json& size : shape) {
    if (!size.is_number_unsigned() || size.get<std::uint64_t>() > (1ULL << 40))
      return refused(which + "has no valid shape");
    tensor.shape.push_back(size.get<std::int64_t>());
  }
  if (!offsets[0].is_number_unsigned() || !offsets[1].is_number_unsigned())
    return refused(which + "has no valid place");
  const auto begin = offsets[0].get<std::uint64_t>(), end = offsets[1].get<std::uint64_t>();
  if (begin > end || end > data_size) return refused(which + "lies outside the file");
  if (bytes_of(tensor.shape) != end - begin) return refused(which + "has a place that does not fit its shape");
  tensor.begin = data_begin + begin;
  tensor.end = data_begin + end;
  return tensor;
}

}  // namespace

Result<SafetensorsFile> SafetensorsFile::parse(std::string bytes) {
  if (bytes.size() < kSizeBytes) return refused("shorter than its first eight bytes");
  const std::uint64_t header_size = read_u64(bytes);
  if (header_size > kHeaderMax || header_size > bytes.size() - kSizeBytes)
    return refused("the header is longer than the file or than allowed");
  const std::string_view header = std::string_view(bytes).substr(kSizeBytes, header_size);
  if (!header.starts_with('{')) return refused("the header does not begin with {");
  const auto json = parse_json(header);
  if (!json || !json->is_object()) return refused("the header is no JSON object");

  SafetensorsFile file;
  const std::size_t data_begin = kSizeBytes + header_size;
  std::vector<std::pair<std::size_t, std::size_t>> places;
  for (const auto& [name, entry] : json->items()) {
    if (name == "__metadata__") continue;
    const auto tensor = read_entry(name, entry, data_begin, bytes.size() - data_begin);
    if (!tensor) return fail(tensor.error());
    places.emplace_back(tensor->begin, tensor->end);
    file.tensors_.emplace(name, *tensor);
  }
  std::sort(places.begin(), places.end());
  std::size_t covered = data_begin;
  for (const auto& [begin, end] : places) {
    if (begin != covered) return refused("tensors overlap, or bytes belong to none");
    covered = end;
  }
  if (covered != bytes.size()) return refused("bytes after the last tensor");
  file.bytes_ = std::move(bytes);
  return file;
}

Result<SafetensorsFile> SafetensorsFile::read(const std::string& path) {
  auto bytes = read_file(path);
  if (!bytes) return fail(bytes.error());
  auto file = parse(std::move(*bytes));
  if (!file) return fail(file.error().code, path + ": " + file.error().message);
  return file;
}

void SafetensorsFile::copy(const StoredTensor& tensor, float* out) const {
  std::memcpy(out, bytes_.data() + tensor.begin, tensor.end - tensor.begin);
}

std::string to_safetensors(const std::vector<TensorToStore>& tensors) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  header["__metadata__"] = {{"format", "pt"}};
  std::size_t at = 0;
  for (const TensorToStore& tensor : tensors) {
    const auto bytes = bytes_of(tensor.shape);
    RETORT_ASSERT(bytes.has_value());
    header[tensor.name] = {{"dtype", "F32"}, {"shape", tensor.shape}, {"data_offsets", {at, at + *bytes}}};
    at += *bytes;
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');  // so that the numbers are aligned
  std::string file;
  file.reserve(kSizeBytes + text.size() + at);
  for (std::size_t i = 0; i < kSizeBytes; ++i) file += static_cast<char>(text.size() >> (8 * i));
  file += text;
  for (const TensorToStore& tensor : tensors)
    file.append(reinterpret_cast<const char*>(tensor.data), *bytes_of(tensor.shape));
  return file;
}

}  // namespace retort
