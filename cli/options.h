// Short options mean the same everywhere.
#pragma once

#include <string>

#include <CLI/CLI.hpp>

namespace retort {

inline void add_corpus_option(CLI::App& command, std::string& corpus) {
  command.add_option("-c,--corpus", corpus, "The corpus (default corpus.db)");
}

/// Without them: the view `all`, whole.
inline void add_view_options(CLI::App& command, std::string& view, std::string& split) {
  command.add_option("--view", view, "Which pairs: a view that retort curate made, or all")->capture_default_str();
  command.add_option("--split", split, "Only that part of the view: train, validation or test")
      ->check(CLI::IsMember({"train", "validation", "test"}));
}

}  // namespace retort
