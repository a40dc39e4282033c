// What a person sees: whether there is a terminal at all, colour only there and only if wanted, columns that line up.
// What models and servers wrote passes visible_text() first (core/base/visible_text.h).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/units.h"
#include "core/base/visible_text.h"

namespace retort {

bool is_terminal(int descriptor);

/// Columns of the terminal, or 80 where there is none.
int terminal_columns(int descriptor);

/// Marks text for a terminal, or leaves it as it is: in a pipe, with NO_COLOR set to anything, with TERM=dumb.
class Palette {
 public:
  explicit Palette(int descriptor);

  std::string bold(const std::string& text) const { return wrapped("1", text); }
  std::string dim(const std::string& text) const { return wrapped("2", text); }
  std::string red(const std::string& text) const { return wrapped("31", text); }
  std::string green(const std::string& text) const { return wrapped("32", text); }
  std::string yellow(const std::string& text) const { return wrapped("33", text); }

 private:
  std::string wrapped(const char* code, const std::string& text) const;
  bool colour_;
};

/// Rows of cells in columns two spaces apart. Plain text: colour whole lines afterwards.
class Table {
 public:
  enum class Align { left, right };
  struct Column {
    std::string title;
    Align align = Align::left;
  };

  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}
  /// As many cells as there are columns. What comes from outside is made visible here.
  void add(std::vector<std::string> cells);
  /// The titles first, then a line a row, without white space at the end.
  std::vector<std::string> lines() const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

/// "1,234,567"
std::string with_commas(std::int64_t number);
/// "1, 5, 9"; of more than eight the first eight and "…".
std::string id_list(const std::vector<std::int64_t>& ids);
/// "$12.34"; below a dollar as many digits as it takes to see it: "$0.000042".
std::string as_dollars(Usd amount);

}  // namespace retort
