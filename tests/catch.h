// One name for both: Catch2 2 (Debian 12) and Catch2 3.
#pragma once

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>
#endif

#include "core/base/result.h"

/// The value of a Result that must be there; the error's message in the report if it is not.
#define REQUIRE_OK(result)                                       \
  do {                                                           \
    const auto& checked_result_ = (result);                      \
    if (!checked_result_) FAIL(checked_result_.error().message); \
  } while (false)
