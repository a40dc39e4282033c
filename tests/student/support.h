// Small students and small rows for the tests of the student.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "core/student/model.h"
#include "core/student/module.h"
#include "core/student/rows.h"
#include "tests/catch.h"

namespace retort {

inline ModelConfig tiny_config() {
  ModelConfig config;
  config.vocabulary = 23;
  config.width = 16;
  config.layers = 2;
  config.heads = 4;
  config.kv_heads = 2;
  config.head_width = 4;
  config.feed_forward = 24;
  config.context = 32;
  config.end_token = 22;
  return config;
}

/// Rows of different lengths with fixed contents.
inline Rows tiny_rows(std::size_t count, TokenId vocabulary = 23) {
  Rows rows;
  for (std::size_t r = 0; r < count; ++r) {
    ChatTokens row;
    const std::size_t length = 4 + r * 7 % 11;
    for (std::size_t i = 0; i < length; ++i)
      row.ids.push_back(static_cast<TokenId>((r * 5 + i * i * 3 + 1) % static_cast<std::size_t>(vocabulary)));
    row.learned_from = 1 + r % 3;
    rows.add(static_cast<std::int64_t>(r + 100), row);
  }
  return rows;
}

/// A folder that goes away.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "retort-test-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path = name;
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  std::string path;
};

}  // namespace retort
