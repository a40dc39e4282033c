// One name for both: Catch2 2 (Debian 12) and Catch2 3.
#pragma once

#include <string>

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>
#endif

#include "core/base/result.h"

/// For CHECK_THAT: the text has this part. Catch2 3 gave the matcher another name, and its old name another meaning.
#if __has_include(<catch2/catch_all.hpp>)
inline auto ContainsText(const std::string& part) { return Catch::Matchers::ContainsSubstring(part); }
#else
inline auto ContainsText(const std::string& part) { return Catch::Matchers::Contains(part); }
#endif

/// The value of a Result that must be there; the error's message in the report if it is not.
#define REQUIRE_OK(result)                                       \
  do {                                                           \
    const auto& checked_result_ = (result);                      \
    if (!checked_result_) FAIL(checked_result_.error().message); \
  } while (false)
