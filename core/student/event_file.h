// TensorBoard's event files: TFRecords, each with masked CRC-32C (Castagnoli) of its length and of its bytes, that hold
// Event protobufs. Only scalars are written.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace retort {

using Scalar = std::pair<std::string_view, double>;

/// The first record of a file. `wall_time`: seconds since 1970.
std::string event_file_start(double wall_time);
/// A record with the scalars of one step.
std::string event_record(double wall_time, std::int64_t step, std::span<const Scalar> scalars);

/// What of such a file was written whole and belongs to no later step: how a resumed run forgets what it will repeat.
std::string events_until(std::string_view file, std::int64_t last_step);

/// CRC-32C of Castagnoli.
std::uint32_t crc32c(std::string_view bytes);

}  // namespace retort
