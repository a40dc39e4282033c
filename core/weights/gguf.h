// GGUF, versions 2 and 3: llama.cpp's files of weights with metadata, read as hostile ones.
#pragma once

#include <utility>
#include <variant>

#include "core/base/json.h"
#include "core/weights/tensors.h"

namespace retort {

struct GgufFile {
  std::map<std::string, Json, std::less<>> metadata;  ///< strings are bytes as they stand, UTF-8 or not
  TensorMap tensors;                                  ///< shapes as torch has them, GGUF's reversed

  /// The value, or null.
  const Json& value(std::string_view key) const;
  std::string text(std::string_view key) const;                   ///< empty if there is none
  std::optional<std::int64_t> count(std::string_view key) const;  ///< a whole number that is not negative
  std::optional<double> number(std::string_view key) const;       ///
  std::vector<std::string> texts(std::string_view key) const;     ///< empty if there is none
  std::vector<std::int32_t> numbers(std::string_view key) const;  ///< whole ones; empty if there is none
};

/// The tensors look into `bytes`. Errc::usage names what is wrong, or the kind of numbers that is not read.
Result<GgufFile> parse_gguf(std::string_view bytes);

using GgufValue =
    std::variant<std::uint32_t, float, bool, std::string, std::vector<std::string>, std::vector<std::int32_t>>;
using GgufMetadata = std::vector<std::pair<std::string, GgufValue>>;

/// Version 3, aligned to 32. Tensors of one dimension and those whose rows do not fill blocks are the caller's to keep
/// unquantised.
Result<void> write_gguf(const GgufMetadata& metadata, const std::vector<TensorToWrite>& tensors, const ByteSink& sink);

}  // namespace retort
