// One number out of a corpus, for tests that must not see SQLite's side: names of the two sides meet.
#pragma once

#include <cstdint>
#include <string>

namespace retort::test {

/// The first column of the first row; fails the test if there is none.
std::int64_t sql_number(const std::string& path, const char* sql);

}  // namespace retort::test
