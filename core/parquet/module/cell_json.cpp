#include "core/parquet/module/cell_json.h"

#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>

#include <arrow/array/array_dict.h>
#include <arrow/array/array_nested.h>
#include <arrow/array/array_primitive.h>
#include <arrow/extension_type.h>

#include "core/base/text.h"

namespace retort {
namespace {

constexpr int kDepthMax = 60;             // two levels of JSON each at most
constexpr std::size_t kMemberBytes = 64;  // of an object, beside name and value

constexpr const char* kUuid = "arrow.uuid";

bool is_uuid(const arrow::DataType& type) {
  return type.id() == arrow::Type::EXTENSION &&
         static_cast<const arrow::ExtensionType&>(type).extension_name() == kUuid;
}

std::optional<std::string> unreadable(const arrow::DataType& type, const std::string& name, int depth) {
  if (depth > kDepthMax) return "column '" + shortened(name, 100) + "' is nested too deep";
  using arrow::Type;
  switch (type.id()) {
    case Type::NA:
    case Type::BOOL:
    case Type::UINT8:
    case Type::INT8:
    case Type::UINT16:
    case Type::INT16:
    case Type::UINT32:
    case Type::INT32:
    case Type::UINT64:
    case Type::INT64:
    case Type::HALF_FLOAT:
    case Type::FLOAT:
    case Type::DOUBLE:
    case Type::STRING:
    case Type::LARGE_STRING:
    case Type::STRING_VIEW:
    case Type::BINARY:
    case Type::LARGE_BINARY:
    case Type::BINARY_VIEW:
    case Type::FIXED_SIZE_BINARY:
    case Type::DATE32:
    case Type::DATE64:
    case Type::TIMESTAMP:
    case Type::TIME32:
    case Type::TIME64:
    case Type::DECIMAL128:
    case Type::DECIMAL256:
      return {};
    case Type::DICTIONARY:
      return unreadable(*static_cast<const arrow::DictionaryType&>(type).value_type(), name, depth + 1);
    case Type::EXTENSION:
      return unreadable(*static_cast<const arrow::ExtensionType&>(type).storage_type(), name, depth + 1);
    case Type::LIST:
    case Type::LARGE_LIST:
    case Type::FIXED_SIZE_LIST:
    case Type::LIST_VIEW:
    case Type::LARGE_LIST_VIEW:
      return unreadable(*type.field(0)->type(), name, depth + 1);
    case Type::MAP: {
      const auto& map = static_cast<const arrow::MapType&>(type);
      if (auto key = unreadable(*map.key_type(), name + " (keys)", depth + 1)) return key;
      return unreadable(*map.item_type(), name, depth + 1);
    }
    case Type::STRUCT:
      for (const auto& field : type.fields()) {
        if (auto found = unreadable(*field->type(), name + "." + field->name(), depth + 1)) return found;
      }
      return {};
    default:
      return "column '" + shortened(name, 100) + "' is of type " + shortened(type.ToString(), 100) +
             ", which JSON cannot say: leave it out, or cast it to text or a number";
  }
}

Failure unsayable(const char* what) { return fail(Errc::usage, what); }

Json number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

double half_float(std::uint16_t bits) {
  const int exponent = bits >> 10 & 0x1f, fraction = bits & 0x3ff;
  const double sign = (bits & 0x8000) != 0 ? -1 : 1;
  if (exponent == 0x1f) return NAN;
  return sign * (exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25));
}

bool take(std::size_t& room, std::size_t bytes) {
  const bool fits = bytes <= room;
  room = fits ? room - bytes : 0;
  return fits;
}

Failure no_room() { return unsayable("makes this row larger than a row may be (256 MiB)"); }

Result<Json> text(std::string_view bytes, std::size_t& room) {
  if (!take(room, bytes.size())) return no_room();
  if (!is_valid_utf8(bytes)) return unsayable("holds bytes that are no UTF-8 text");
  return Json(std::string(bytes));
}

std::string uuid_text(std::string_view bytes) {
  std::string made;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    std::array<char, 3> digits{};
    std::snprintf(digits.data(), digits.size(), "%02x", static_cast<unsigned char>(bytes[i]));
    if (i == 4 || i == 6 || i == 8 || i == 10) made += '-';
    made += digits.data();
  }
  return made;
}

struct Ticks {
  std::int64_t in_second;
  int digits;
};

Ticks ticks(arrow::TimeUnit::type unit) {
  switch (unit) {
    case arrow::TimeUnit::SECOND:
      return {1, 0};
    case arrow::TimeUnit::MILLI:
      return {1'000, 3};
    case arrow::TimeUnit::MICRO:
      return {1'000'000, 6};
    default:
      return {1'000'000'000, 9};
  }
}

std::int64_t floor_divided(std::int64_t value, std::int64_t by) { return value / by - (value % by < 0 ? 1 : 0); }

// "2026-11-23"; nothing beyond the years that ISO 8601 writes with four digits.
std::optional<std::string> date_text(std::int64_t days) {
  if (days < -719'528 || days > 2'932'896) return {};
  const std::chrono::year_month_day date{std::chrono::sys_days(std::chrono::days(days))};
  std::array<char, 24> made{};
  std::snprintf(made.data(), made.size(), "%04d-%02u-%02u", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
  return std::string(made.data());
}

// "10:25:00.125", with as many digits as the unit has.
std::string time_text(std::int64_t value, const Ticks& unit) {
  const std::int64_t seconds = value / unit.in_second;
  std::array<char, 40> made{};
  std::snprintf(made.data(), made.size(), "%02d:%02d:%02d", static_cast<int>(seconds / 3600),
                static_cast<int>(seconds / 60 % 60), static_cast<int>(seconds % 60));
  std::string result = made.data();
  if (unit.digits == 0) return result;
  std::snprintf(made.data(), made.size(), ".%0*lld", unit.digits, static_cast<long long>(value % unit.in_second));
  return result + made.data();
}

Result<Json> date(std::int64_t days) {
  auto made = date_text(days);
  if (!made) return unsayable("holds a date beyond the years 0 to 9999");
  return Json(std::move(*made));
}

Result<Json> timestamp(std::int64_t value, const arrow::TimestampType& type) {
  const Ticks unit = ticks(type.unit());
  const std::int64_t in_day = 86'400 * unit.in_second;
  const std::int64_t days = floor_divided(value, in_day);
  const auto day = date_text(days);
  if (!day) return unsayable("holds a time beyond the years 0 to 9999");
  return Json(*day + "T" + time_text(value - days * in_day, unit) + (type.timezone().empty() ? "" : "Z"));
}

Result<Json> time_of_day(std::int64_t value, arrow::TimeUnit::type unit) {
  if (value < 0 || value >= 86'400 * ticks(unit).in_second) return unsayable("holds a time that is none of a day");
  return Json(time_text(value, ticks(unit)));
}

template <class Array>
const Array& as(const arrow::Array& array) {
  return static_cast<const Array&>(array);
}

template <class Lists>
Result<Json> list(const arrow::Array& array, std::int64_t at, std::size_t& room) {
  const auto& lists = as<Lists>(array);
  const std::int64_t begin = lists.value_offset(at), length = lists.value_length(at);
  const arrow::Array& values = *lists.values();
  Json made = Json::array();
  for (std::int64_t i = begin; i < begin + length; ++i) {
    auto value = cell_json(values, i, room);
    if (!value) return value;
    made.push_back(std::move(*value));
  }
  return made;
}

Result<Json> structure(const arrow::StructArray& structs, std::int64_t at, std::size_t& room) {
  Json made = Json::object();
  for (int i = 0; i < structs.num_fields(); ++i) {
    auto value = cell_json(*structs.field(i), at, room);
    if (!value) return value;
    if (value->is_null()) continue;
    const std::string& name = structs.type()->field(i)->name();
    if (!take(room, kMemberBytes + name.size())) return no_room();
    made[name] = std::move(*value);
  }
  return made;
}

Result<Json> map(const arrow::MapArray& maps, std::int64_t at, std::size_t& room) {
  const std::int64_t begin = maps.value_offset(at), length = maps.value_length(at);
  Json made = Json::object();
  for (std::int64_t i = begin; i < begin + length; ++i) {
    const auto key = cell_json(*maps.keys(), i, room);
    if (!key) return key;
    auto value = cell_json(*maps.items(), i, room);
    if (!value) return value;
    if (!take(room, kMemberBytes)) return no_room();
    made[key->is_string() ? key->get<std::string>() : dump_json(*key)] = std::move(*value);
  }
  return made;
}

Result<Json> from_dictionary(const arrow::DictionaryArray& array, std::int64_t at, std::size_t& room) {
  const arrow::Array& words = *array.dictionary();
  const std::int64_t index = array.GetValueIndex(at);
  if (index < 0 || index >= words.length()) return unsayable("names a word that its dictionary does not have");
  return cell_json(words, index, room);
}

Result<Json> extension(const arrow::ExtensionArray& array, std::int64_t at, std::size_t& room) {
  const arrow::Array& storage = *array.storage();
  if (is_uuid(*array.type()) && storage.type_id() == arrow::Type::FIXED_SIZE_BINARY && storage.IsValid(at))
    return Json(uuid_text(as<arrow::FixedSizeBinaryArray>(storage).GetView(at)));
  return cell_json(storage, at, room);
}

}  // namespace

std::optional<std::string> unreadable_column(const arrow::Schema& schema) {
  for (const auto& field : schema.fields()) {
    if (auto found = unreadable(*field->type(), field->name(), 0)) return found;
  }
  return {};
}

Result<Json> cell_json(const arrow::Array& array, std::int64_t at, std::size_t& room) {
  using arrow::Type;
  if (!take(room, sizeof(Json))) return no_room();
  if (array.IsNull(at)) return Json(nullptr);
  switch (array.type_id()) {
    case Type::BOOL:
      return Json(as<arrow::BooleanArray>(array).Value(at));
    case Type::UINT8:
      return Json(as<arrow::UInt8Array>(array).Value(at));
    case Type::INT8:
      return Json(as<arrow::Int8Array>(array).Value(at));
    case Type::UINT16:
      return Json(as<arrow::UInt16Array>(array).Value(at));
    case Type::INT16:
      return Json(as<arrow::Int16Array>(array).Value(at));
    case Type::UINT32:
      return Json(as<arrow::UInt32Array>(array).Value(at));
    case Type::INT32:
      return Json(as<arrow::Int32Array>(array).Value(at));
    case Type::UINT64:
      return Json(as<arrow::UInt64Array>(array).Value(at));
    case Type::INT64:
      return Json(as<arrow::Int64Array>(array).Value(at));
    case Type::HALF_FLOAT:
      return number(half_float(as<arrow::HalfFloatArray>(array).Value(at)));
    case Type::FLOAT:
      return number(static_cast<double>(as<arrow::FloatArray>(array).Value(at)));
    case Type::DOUBLE:
      return number(as<arrow::DoubleArray>(array).Value(at));
    case Type::STRING:
    case Type::BINARY:
      return text(as<arrow::BinaryArray>(array).GetView(at), room);
    case Type::LARGE_STRING:
    case Type::LARGE_BINARY:
      return text(as<arrow::LargeBinaryArray>(array).GetView(at), room);
    case Type::STRING_VIEW:
    case Type::BINARY_VIEW:
      return text(as<arrow::BinaryViewArray>(array).GetView(at), room);
    case Type::FIXED_SIZE_BINARY:
      return text(as<arrow::FixedSizeBinaryArray>(array).GetView(at), room);
    case Type::DATE32:
      return date(as<arrow::Date32Array>(array).Value(at));
    case Type::DATE64:
      return date(floor_divided(as<arrow::Date64Array>(array).Value(at), 86'400'000));
    case Type::TIMESTAMP:
      return timestamp(as<arrow::TimestampArray>(array).Value(at),
                       static_cast<const arrow::TimestampType&>(*array.type()));
    case Type::TIME32:
      return time_of_day(as<arrow::Time32Array>(array).Value(at),
                         static_cast<const arrow::Time32Type&>(*array.type()).unit());
    case Type::TIME64:
      return time_of_day(as<arrow::Time64Array>(array).Value(at),
                         static_cast<const arrow::Time64Type&>(*array.type()).unit());
    case Type::DECIMAL128:
      return Json(as<arrow::Decimal128Array>(array).FormatValue(at));
    case Type::DECIMAL256:
      return Json(as<arrow::Decimal256Array>(array).FormatValue(at));
    case Type::DICTIONARY:
      return from_dictionary(as<arrow::DictionaryArray>(array), at, room);
    case Type::EXTENSION:
      return extension(as<arrow::ExtensionArray>(array), at, room);
    case Type::LIST:
      return list<arrow::ListArray>(array, at, room);
    case Type::LARGE_LIST:
      return list<arrow::LargeListArray>(array, at, room);
    case Type::FIXED_SIZE_LIST:
      return list<arrow::FixedSizeListArray>(array, at, room);
    case Type::LIST_VIEW:
      return list<arrow::ListViewArray>(array, at, room);
    case Type::LARGE_LIST_VIEW:
      return list<arrow::LargeListViewArray>(array, at, room);
    case Type::MAP:
      return map(as<arrow::MapArray>(array), at, room);
    case Type::STRUCT:
      return structure(as<arrow::StructArray>(array), at, room);
    default:
      return unsayable("is of a type that JSON cannot say");
  }
}

}  // namespace retort
