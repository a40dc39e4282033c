// Short options mean the same everywhere.
#pragma once

#include <string>

#include <CLI/CLI.hpp>

namespace retort {

inline void add_corpus_option(CLI::App& command, std::string& corpus) {
  command.add_option("-c,--corpus", corpus, "The corpus (default corpus.db)");
}

}  // namespace retort
