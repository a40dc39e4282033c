// What stands in a column of Arrow, as JSON. Of the types that Parquet brings, those that JSON has no word for but
// everybody writes alike are text: times as ISO 8601, decimals with all their digits, UUIDs.
#pragma once

#include <optional>
#include <string>

#include <arrow/array.h>
#include <arrow/type.h>

#include "core/base/json.h"
#include "core/base/result.h"

namespace retort {

/// Which column has no JSON, and of what type it is; nothing if all can be read. Call it before cell_json().
std::optional<std::string> unreadable_column(const arrow::Schema& schema);

/// Null if it is null, or a number that is not finite. Of nested values only elements of lists and values of maps stay
/// null: a member of a struct that is null is left out. Errc::usage: bytes that are no UTF-8, times beyond year 9999,
/// or more than there is `room` for: about the bytes of memory that the row may still take, since a small file can be
/// gigabytes of one value.
Result<Json> cell_json(const arrow::Array& array, std::int64_t at, std::size_t& room);

}  // namespace retort
