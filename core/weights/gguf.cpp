#include "core/weights/gguf.h"

#include <array>
#include <cstring>
#include <limits>

namespace retort {
namespace {

constexpr std::size_t kTensorsMax = 1'000'000, kKeysMax = 100'000, kDimensionsMax = 4;
enum : std::uint32_t { kString = 8, kArray = 9 };

struct TypeId {
  std::uint32_t id;
  Numbers numbers;
};
constexpr std::array<TypeId, 13> kTypes = {{{0, Numbers::f32},
                                            {1, Numbers::f16},
                                            {2, Numbers::q4_0},
                                            {3, Numbers::q4_1},
                                            {6, Numbers::q5_0},
                                            {7, Numbers::q5_1},
                                            {8, Numbers::q8_0},
                                            {10, Numbers::q2_k},
                                            {11, Numbers::q3_k},
                                            {12, Numbers::q4_k},
                                            {13, Numbers::q5_k},
                                            {14, Numbers::q6_k},
                                            {30, Numbers::bf16}}};

Failure refused(const std::string& what) { return fail(Errc::usage, "GGUF: " + what); }

std::optional<Numbers> numbers_of(std::uint32_t id) {
  for (const TypeId& type : kTypes) {
    if (type.id == id) return type.numbers;
  }
  return std::nullopt;
}

// Reads on until something does not fit; then everything is zero and good() is false.
class Cursor {
 public:
  explicit Cursor(std::string_view bytes) : bytes_(bytes) {}
  bool good() const { return good_; }
  std::size_t at() const { return at_; }
  std::size_t left() const { return bytes_.size() - at_; }
  void spoil() { good_ = false; }

  std::string_view take(std::uint64_t size) {
    if (!good_ || size > left()) {
      good_ = false;
      return {};
    }
    at_ += size;
    return bytes_.substr(at_ - size, size);
  }
  template <class T>
  T number() {
    T value{};
    const std::string_view bytes = take(sizeof(T));
    if (!bytes.empty()) std::memcpy(&value, bytes.data(), sizeof(T));
    return value;
  }
  std::string string() { return std::string(take(number<std::uint64_t>())); }

 private:
  std::string_view bytes_;
  std::size_t at_ = 0;
  bool good_ = true;
};

Json read_scalar(Cursor& in, std::uint32_t type) {
  switch (type) {
    case 0:
      return in.number<std::uint8_t>();
    case 1:
      return in.number<std::int8_t>();
    case 2:
      return in.number<std::uint16_t>();
    case 3:
      return in.number<std::int16_t>();
    case 4:
      return in.number<std::uint32_t>();
    case 5:
      return in.number<std::int32_t>();
    case 6:
      return in.number<float>();
    case 7:
      return in.number<std::uint8_t>() != 0;
    case kString:
      return in.string();
    case 10:
      return in.number<std::uint64_t>();
    case 11:
      return in.number<std::int64_t>();
    case 12:
      return in.number<double>();
    default:
      in.spoil();
      return nullptr;
  }
}

Json read_value(Cursor& in) {
  const auto type = in.number<std::uint32_t>();
  if (type != kArray) return read_scalar(in, type);
  const auto element = in.number<std::uint32_t>();
  const auto count = in.number<std::uint64_t>();
  if (count > in.left()) in.spoil();  // an element has a byte at least
  Json array = Json::array();
  for (std::uint64_t i = 0; in.good() && i < count; ++i) array.push_back(read_scalar(in, element));
  return array;
}

struct Placed {
  std::string name;
  StoredTensor tensor;
  std::uint64_t offset = 0;
};

Result<Placed> read_tensor_line(Cursor& in) {
  Placed placed;
  placed.name = in.string();
  const std::string which = "tensor '" + placed.name.substr(0, 80) + "' ";
  const auto dimensions = in.number<std::uint32_t>();
  if (dimensions > kDimensionsMax) return refused(which + "has too many dimensions");
  for (std::uint32_t i = 0; i < dimensions; ++i) {
    const auto size = in.number<std::uint64_t>();
    if (size > (1ULL << 40)) return refused(which + "has no valid shape");
    placed.tensor.shape.insert(placed.tensor.shape.begin(), static_cast<std::int64_t>(size));
  }
  const auto type = in.number<std::uint32_t>();
  placed.offset = in.number<std::uint64_t>();
  if (!in.good()) return refused("the file ends within its list of tensors");
  const auto numbers = numbers_of(type);
  if (!numbers) {
    return refused(which + "has numbers of kind " + std::to_string(type) +
                   ": only F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0 and Q2_K to Q6_K are read");
  }
  placed.tensor.numbers = *numbers;
  return placed;
}

Result<void> place(Placed& placed, std::string_view data) {
  const std::string which = "tensor '" + placed.name.substr(0, 80) + "' ";
  const auto count = count_of(placed.tensor.shape);
  const auto bytes = count ? bytes_of(placed.tensor.numbers, *count) : std::nullopt;
  const std::size_t row = placed.tensor.shape.empty() ? 1 : static_cast<std::size_t>(placed.tensor.shape.back());
  if (!bytes || row % layout_of(placed.tensor.numbers).block != 0) return refused(which + "has no valid shape");
  if (placed.offset > data.size() || *bytes > data.size() - placed.offset)
    return refused(which + "lies outside the file");
  placed.tensor.bytes = data.substr(placed.offset, *bytes);
  return {};
}

template <class T>
void append(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}
void append_text(std::string& out, std::string_view text) {
  append<std::uint64_t>(out, text.size());
  out += text;
}

struct AppendValue {
  std::string& out;
  void operator()(std::uint32_t value) const { (append<std::uint32_t>(out, 4), append(out, value)); }
  void operator()(float value) const { (append<std::uint32_t>(out, 6), append(out, value)); }
  void operator()(bool value) const { (append<std::uint32_t>(out, 7), append<std::uint8_t>(out, value ? 1 : 0)); }
  void operator()(const std::string& value) const { (append<std::uint32_t>(out, kString), append_text(out, value)); }
  void operator()(const std::vector<std::string>& values) const {
    array(kString, values.size());
    for (const std::string& value : values) append_text(out, value);
  }
  void operator()(const std::vector<std::int32_t>& values) const {
    array(5, values.size());
    for (const std::int32_t value : values) append(out, value);
  }
  void array(std::uint32_t type, std::size_t size) const {
    append<std::uint32_t>(out, kArray);
    append(out, type);
    append<std::uint64_t>(out, size);
  }
};

constexpr std::size_t kAlignment = 32;
std::size_t aligned(std::size_t at, std::size_t to = kAlignment) { return (at + to - 1) / to * to; }

}  // namespace

const Json& GgufFile::value(std::string_view key) const {
  static const Json nothing;
  const auto found = metadata.find(key);
  return found == metadata.end() ? nothing : found->second;
}
std::string GgufFile::text(std::string_view key) const {
  const Json& found = value(key);
  return found.is_string() ? found.get<std::string>() : std::string();
}
std::optional<std::int64_t> GgufFile::count(std::string_view key) const {
  const Json& found = value(key);
  if (!found.is_number_integer()) return std::nullopt;
  if (found.is_number_unsigned() &&
      found.get<std::uint64_t>() > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
    return std::nullopt;
  const auto number = found.get<std::int64_t>();
  return number >= 0 ? std::optional(number) : std::nullopt;
}
std::optional<double> GgufFile::number(std::string_view key) const {
  const Json& found = value(key);
  return found.is_number() ? std::optional(found.get<double>()) : std::nullopt;
}
std::vector<std::string> GgufFile::texts(std::string_view key) const {
  std::vector<std::string> all;
  if (const Json& found = value(key); found.is_array()) {
    for (const Json& one : found) {
      if (one.is_string()) all.push_back(one.get<std::string>());
    }
  }
  return all;
}
std::vector<std::int32_t> GgufFile::numbers(std::string_view key) const {
  std::vector<std::int32_t> all;
  if (const Json& found = value(key); found.is_array()) {
    for (const Json& one : found) all.push_back(one.is_number_integer() ? one.get<std::int32_t>() : 0);
  }
  return all;
}

Result<GgufFile> parse_gguf(std::string_view bytes) {
  Cursor in(bytes);
  if (in.take(4) != "GGUF") return refused("the file does not begin with GGUF");
  const auto version = in.number<std::uint32_t>();
  if (version != 2 && version != 3) return refused("only versions 2 and 3 are read");
  const auto tensors = in.number<std::uint64_t>(), keys = in.number<std::uint64_t>();
  if (!in.good() || tensors > kTensorsMax || keys > kKeysMax) return refused("the head of the file is not valid");
  GgufFile file;
  for (std::uint64_t i = 0; in.good() && i < keys; ++i) {
    std::string key = in.string();
    Json value = read_value(in);
    file.metadata.insert_or_assign(std::move(key), std::move(value));
  }
  if (!in.good()) return refused("the metadata are not valid, or the file ends within them");
  std::vector<Placed> placed;
  for (std::uint64_t i = 0; i < tensors; ++i) {
    auto line = read_tensor_line(in);
    if (!line) return fail(line.error());
    placed.push_back(std::move(*line));
  }
  const auto alignment = static_cast<std::uint64_t>(file.count("general.alignment").value_or(kAlignment));
  if (alignment == 0 || alignment > (1U << 20) || (alignment & (alignment - 1)) != 0)
    return refused("general.alignment is not valid");
  const std::size_t data_begin = aligned(in.at(), alignment);
  const std::string_view data = data_begin <= bytes.size() ? bytes.substr(data_begin) : std::string_view();
  for (Placed& one : placed) {
    if (one.offset % alignment != 0) return refused("tensor '" + one.name.substr(0, 80) + "' is not aligned");
    if (auto found = place(one, data); !found) return fail(found.error());
    if (!file.tensors.emplace(one.name, one.tensor).second)
      return refused("tensor '" + one.name.substr(0, 80) + "' is there twice");
  }
  return file;
}

Result<void> write_gguf(const GgufMetadata& metadata, const std::vector<TensorToWrite>& tensors, const ByteSink& sink) {
  std::string head = "GGUF";
  append<std::uint32_t>(head, 3);
  append<std::uint64_t>(head, tensors.size());
  append<std::uint64_t>(head, metadata.size());
  for (const auto& [key, value] : metadata) {
    append_text(head, key);
    std::visit(AppendValue{head}, value);
  }
  std::uint64_t offset = 0;
  for (const TensorToWrite& tensor : tensors) {
    append_text(head, tensor.name);
    append<std::uint32_t>(head, static_cast<std::uint32_t>(tensor.shape.size()));
    for (auto size = tensor.shape.rbegin(); size != tensor.shape.rend(); ++size)
      append(head, static_cast<std::uint64_t>(*size));
    for (const TypeId& type : kTypes) {
      if (type.numbers == tensor.numbers) append(head, type.id);
    }
    append(head, offset);
    offset = aligned(offset + bytes_of(tensor.numbers, tensor.count()).value_or(0));
  }
  head.resize(aligned(head.size()), '\0');
  if (auto written = sink(head); !written) return written;
  for (const TensorToWrite& tensor : tensors) {
    if (auto written = write_numbers(tensor, sink); !written) return written;
    const std::size_t bytes = bytes_of(tensor.numbers, tensor.count()).value_or(0);
    if (auto written = sink(std::string(aligned(bytes) - bytes, '\0')); !written) return written;
  }
  return {};
}

}  // namespace retort
