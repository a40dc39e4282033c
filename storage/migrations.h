// The schema, as the list of steps that led to it. Steps are appended, never edited: a corpus made by any earlier
// release is brought up to date by the steps it lacks. docs/corpus.md explains the result.
#pragma once

#include <cstdint>
#include <span>

#include "core/base/result.h"
#include "storage/connection.h"

namespace retort {

/// "RTOR", in the header of the file: tells a corpus from other programs' databases.
constexpr std::int64_t kApplicationId = 0x52544F52;

struct Migration {
  int version;
  const char* name;
  const char* sql;
};

/// All steps, ascending from version 1 without gaps.
std::span<const Migration> migrations();

/// Errc::corpus if the file's version is not known to this program.
Result<void> check_version(Connection& connection, std::span<const Migration> steps);
Result<void> check_version(const std::string& place, std::int64_t version, std::span<const Migration> steps);

/// Brings an empty database or an older corpus to the last of `steps`, in one transaction.
Result<void> migrate(Connection& connection, std::span<const Migration> steps);

}  // namespace retort
