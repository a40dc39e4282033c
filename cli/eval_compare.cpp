// `retort eval --compare`: two or more evaluations of the same problems, side by side and problem by problem.
#include "cli/eval_compare.h"

#include <cstdio>
#include <unordered_map>

#include "cli/eval_tally.h"
#include "cli/terminal.h"

namespace retort {
namespace {

std::string percent(double share, bool sign = false) {
  char text[32];
  std::snprintf(text, sizeof text, sign ? "%+.1f %%" : "%.1f %%", 100 * share);
  return text;
}

// Both evaluations' scores of the problems that both have, in the order of the first. A problem that is there several
// times is paired time by time.
std::pair<std::vector<double>, std::vector<double>> paired(const EvalTally& before, const EvalTally& after) {
  std::unordered_map<std::string, std::vector<double>> theirs;
  for (auto problem = after.problems.rbegin(); problem != after.problems.rend(); ++problem)
    theirs[problem->id].push_back(problem->score());
  std::pair<std::vector<double>, std::vector<double>> scores;
  for (const EvalProblem& problem : before.problems) {
    const auto found = theirs.find(problem.id);
    if (found == theirs.end() || found->second.empty()) continue;
    scores.first.push_back(problem.score());
    scores.second.push_back(found->second.back());
    found->second.pop_back();
  }
  return scores;
}

}  // namespace

Result<int> compare_evaluations(CorpusOpener& corpora, const std::vector<std::string>& names, bool json) {
  if (names.size() < 2) return fail(Errc::usage, "--compare takes two evaluations or more");
  std::vector<EvalTally> tallies;
  for (const std::string& name : names) {
    auto tally = read_tally(corpora, name);
    if (!tally) return fail(tally.error());
    if (tally->problems.empty()) return fail(Errc::usage, name + " holds no graded answers");
    tallies.push_back(std::move(*tally));
  }
  Table table({{"evaluation"},
               {"problems", Table::Align::right},
               {"accuracy", Table::Align::right},
               {"shared", Table::Align::right},
               {"difference", Table::Align::right},
               {"95 % interval"},
               {"better", Table::Align::right},
               {"worse", Table::Align::right}});
  Json all = Json::array();
  for (std::size_t i = 0; i < names.size(); ++i) {
    Json one = tally_json(tallies[i]);
    one["evaluation"] = names[i];
    const std::string problems = with_commas(static_cast<std::int64_t>(tallies[i].problems.size()));
    if (i == 0) {
      table.add({names[i], problems, percent(one["accuracy"].get<double>()), "", "", "", "", ""});
    } else {
      const auto [before, after] = paired(tallies[0], tallies[i]);
      if (before.empty()) return fail(Errc::usage, names[0] + " and " + names[i] + " have no problem in common");
      const PairedDifference found = paired_difference(before, after);
      const Interval& interval = found.difference.interval;
      one["paired"] = {{"problems", found.problems},
                       {"difference", found.difference.mean},
                       {"interval_95", {interval.low, interval.high}},
                       {"better", found.better},
                       {"worse", found.worse}};
      table.add({names[i], problems, percent(one["accuracy"].get<double>()), with_commas(found.problems),
                 percent(found.difference.mean, true),
                 percent(interval.low, true) + " to " + percent(interval.high, true), with_commas(found.better),
                 with_commas(found.worse)});
    }
    all.push_back(std::move(one));
  }
  if (json) {
    print_line(dump_json({{"evaluations", all}}));
    return 0;
  }
  for (const std::string& line : table.lines()) print_line(line);
  return 0;
}

}  // namespace retort
