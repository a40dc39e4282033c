// Does a text run in a circle? A model that loops repeats some words, lines or paragraphs until it is cut off.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "core/curate/audit/audit.h"

namespace retort {

struct RepetitionSettings {
  std::size_t bytes_min = 120;  ///< a repeated run shorter than this is style, a list or a table
  double times_min = 4;         ///< how often the period must stand in it
  double share_min = 0.25;      ///< of the text (or reasoning) that must be the run
};

struct Loop {
  std::size_t begin = 0, end = 0;  ///< the periodic run, in bytes
  std::size_t period = 0;          ///< bytes

  double times() const { return period == 0 ? 0 : static_cast<double>(end - begin) / static_cast<double>(period); }
};

/// The longest run with a period that stands in it at least `times_min` times and has a letter or digit; of length 0 if
/// there is none of `bytes_min`. Linear time and memory: each place is compared with where its eight bytes stood last,
/// and what was compared is skipped. Only exact repetition is seen: a counter that grows breaks it.
Loop longest_loop(std::string_view text, const RepetitionSettings& settings = {});

/// Values "loop" and "reasoning_loop". The score is the share of the text within the loop.
class RepetitionAudit : public Audit {
 public:
  explicit RepetitionAudit(RepetitionSettings settings = {}) : settings_(settings) {}
  std::string kind() const override { return "repetition"; }
  std::vector<std::string> values() const override { return {"loop", "reasoning_loop"}; }
  Label judge(const Answered& pair) const override;

 protected:
  int version() const override { return 1; }
  Json settings() const override;

 private:
  RepetitionSettings settings_;
};

}  // namespace retort
