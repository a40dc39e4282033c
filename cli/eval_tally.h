// What an evaluation found, problem by problem: counted, written, and read again to be compared with another.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "cli/command.h"
#include "core/grade/sampled.h"

namespace retort {

/// One problem with every answer it was given.
struct EvalProblem {
  std::string id;  ///< of messages and reference: the same in every evaluation
  std::string family;
  std::vector<bool> right;             ///< by sample
  std::vector<std::string> extracted;  ///< the final answer as the grader read it; empty if it found none

  double score() const;        ///< share of right answers
  bool vote_is_right() const;  ///< of the answer that most agree on
};

/// Sixteen digits.
std::string problem_id(const Json& messages, const std::string& reference);

struct EvalTally {
  std::vector<EvalProblem> problems;
  std::int64_t answers = 0, right = 0;
  std::int64_t cut = 0;  ///< answers that did not end by themselves, or were never given

  void add(EvalProblem problem);
};

/// {"all", "right", "samples", "accuracy", "interval_95", "pass_at": {k: …}, "majority", "families", "cut"}.
Json tally_json(const EvalTally& tally);
/// A table of families, if there are any, what was cut, pass@k and votes, and the accuracy in one line at the end.
std::vector<std::string> tally_lines(const EvalTally& tally, const std::string& who);

/// From a file that `retort eval -o` wrote, or a run that it recorded: CORPUS#RUN. Errc::usage names what is wrong.
Result<EvalTally> read_tally(CorpusOpener& corpora, const std::string& from);
/// For the record of runs: {problem: [1, 0, …]}.
Json tally_record(const EvalTally& tally);

}  // namespace retort
