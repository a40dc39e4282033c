#include "cli/price_reader.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace retort {
namespace {

// "16:30" → 990
std::optional<int> minute_of_day(const std::string& text) {
  if (text.size() != 5 || text[2] != ':') return {};
  for (const std::size_t i : {0u, 1u, 3u, 4u}) {
    if (text[i] < '0' || text[i] > '9') return {};
  }
  const int hour = (text[0] - '0') * 10 + text[1] - '0', minute = (text[3] - '0') * 10 + text[4] - '0';
  if (hour > 23 || minute > 59) return {};
  return hour * 60 + minute;
}

Error wrong(const std::string& what) { return {Errc::usage, "'price_windows' " + what}; }

double* price_named(const std::string& word, Price& price) {
  return word == "input_per_million"          ? &price.input
         : word == "output_per_million"       ? &price.output
         : word == "cached_input_per_million" ? &price.cached_input
         : word == "cache_write_per_million"  ? &price.cache_write
                                              : nullptr;
}

Result<PriceWindow> read_window(const toml::table& table, const Price& usual) {
  PriceWindow window{0, 0, usual};
  bool has_from = false, has_to = false;
  for (const auto& [key, value] : table) {
    const std::string word(key.str());
    if (word == "from" || word == "to") {
      const auto minute = minute_of_day(value.value_or<std::string>(""));
      if (!minute) return fail(wrong("wants '" + word + "' as \"16:30\", by UTC"));
      (word == "from" ? window.from_minute : window.to_minute) = *minute;
      (word == "from" ? has_from : has_to) = true;
      continue;
    }
    double* const price = price_named(word, window.price);
    if (price == nullptr) return fail(wrong("has an unknown key '" + word + "'"));
    const auto number = value.is_number() ? value.value<double>() : std::optional<double>();
    if (!number || !(*number >= 0)) return fail(wrong("wants '" + word + "' as a number of at least 0"));
    *price = *number;
  }
  if (!has_from || !has_to) return fail(wrong("wants 'from' and 'to' in each"));
  return window;
}

}  // namespace

Result<Prices> read_prices(Price usual, double cache_write_factor, const toml::array* windows) {
  std::vector<PriceWindow> read;
  for (std::size_t i = 0; windows != nullptr && i < windows->size(); ++i) {
    const toml::table* table = (*windows)[i].as_table();
    if (table == nullptr) return fail(wrong("must be a list of tables"));
    Result<PriceWindow> window = read_window(*table, usual);
    if (!window) return fail(window.error());
    read.push_back(*window);
  }
  const auto complete = [&](Price& price) {
    if (price.cache_write < 0) price.cache_write = cache_write_factor * price.input;
  };
  complete(usual);
  for (PriceWindow& window : read) complete(window.price);
  return Prices(usual, std::move(read));
}

}  // namespace retort
