#if __has_include(<catch2/catch_all.hpp>)
// Catch2 3 brings its own main.
#else
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
#endif

#include <csignal>

// As in cli/main.cpp: a closed pipe or connection is an error of one write.
[[maybe_unused]] static const auto kBefore = std::signal(SIGPIPE, SIG_IGN);
