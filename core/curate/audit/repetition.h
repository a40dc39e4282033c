// Does a text run in a circle? A model that loops repeats some words, lines or paragraphs until it is cut off.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "core/curate/audit/audit.h"

namespace retort {

struct RepetitionSettings {
  std::size_t bytes_min = 120;  ///< a repeated run shorter than this is style, a list or a table
  int times_min = 4;            ///< how often the period must stand in it
  double share_min = 0.25;      ///< of the text (or reasoning) that must be the run
};

struct Loop {
  std::size_t begin = 0, end = 0;  ///< the periodic run, in bytes
  std::size_t period = 0;          ///< bytes
  double times = 0;                ///< (end - begin) / period
};

/// The longest run with a period that stands in it at least `times_min` times. Linear time: the runs are found from
/// the Lempel-Ziv-like chain of previous equal blocks, each extended to both sides once.
Loop longest_loop(std::string_view text, const RepetitionSettings& settings);

/// Values "loop" and "reasoning_loop". The score is the share of the text within the loop.
class RepetitionAudit : public Audit {
 public:
  explicit RepetitionAudit(RepetitionSettings settings = {}) : settings_(settings) {}
  std::string kind() const override { return "repetition"; }
  Label judge(const Answered& pair) const override;

 protected:
  int version() const override { return 1; }
  Json settings() const override;

 private:
  RepetitionSettings settings_;
};

}  // namespace retort
