// Short options mean the same everywhere.
#pragma once

#include <cmath>
#include <optional>
#include <string>

#include <CLI/CLI.hpp>

namespace retort {

inline std::optional<double> finite_number(const std::string& text) {
  double number = 0;
  if (!CLI::detail::lexical_cast(text, number) || !std::isfinite(number)) return {};
  return number;
}

/// CLI11's own say what is wrong with all the digits of the largest double.
inline CLI::Validator positive_number() {
  return CLI::Validator(
      [](const std::string& text) { return finite_number(text).value_or(0) > 0 ? "" : text + " is no number above 0"; },
      "POSITIVE");
}
inline CLI::Validator number_from_zero() {
  return CLI::Validator(
      [](const std::string& text) {
        return finite_number(text).value_or(-1) >= 0 ? "" : text + " is no number from 0 on";
      },
      "NONNEGATIVE");
}

/// CLI11's own takes NaN for a number of every range.
inline CLI::Validator number_between(double least, double most) {
  const auto shown = [](double number) { return CLI::detail::to_string(number); };
  const std::string range = shown(least) + " to " + shown(most);
  return CLI::Validator(
      [=](const std::string& text) {
        const auto number = finite_number(text);
        return number && *number >= least && *number <= most ? "" : text + " is no number from " + range;
      },
      "[" + shown(least) + " - " + shown(most) + "]");
}

inline void add_corpus_option(CLI::App& command, std::string& corpus) {
  command.add_option("-c,--corpus", corpus, "The corpus (default corpus.db)");
}

/// Without them: the view `all`, whole.
inline void add_view_options(CLI::App& command, std::string& view, std::string& split) {
  command.add_option("--view", view, "Which pairs: a view that retort curate made, or all")->capture_default_str();
  command.add_option("--split", split, "Only that part of the view: train, validation or test")
      ->check(CLI::IsMember({"train", "validation", "test"}));
}

/// What to say where there is nothing in it.
inline std::string nothing_in(const std::string& corpus, const std::string& view, const std::string& split) {
  if (view == "all" && split.empty()) return corpus + " has no answered prompts yet: see retort status";
  const std::string part = split.empty() ? "" : "part '" + split + "' of ";
  return corpus + ": " + part + "view '" + view + "' is empty: its recipe left nothing";
}

}  // namespace retort
