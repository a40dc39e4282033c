#include "cli/eval_tally.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <fstream>
#include <unordered_map>

#include "cli/terminal.h"
#include "core/base/hash.h"

namespace retort {
namespace {

std::string percent(double share) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f %%", 100 * share);
  return text;
}

std::vector<double> scores_of(const std::vector<const EvalProblem*>& problems) {
  std::vector<double> scores;
  for (const EvalProblem* problem : problems) scores.push_back(problem->score());
  return scores;
}

std::vector<const EvalProblem*> all_of(const EvalTally& tally) {
  std::vector<const EvalProblem*> all;
  for (const EvalProblem& problem : tally.problems) all.push_back(&problem);
  return all;
}

std::map<std::string, std::vector<const EvalProblem*>> by_family(const EvalTally& tally) {
  std::map<std::string, std::vector<const EvalProblem*>> families;
  for (const EvalProblem& problem : tally.problems) {
    if (!problem.family.empty()) families[problem.family].push_back(&problem);
  }
  return families;
}

struct Count {
  std::int64_t right = 0, all = 0;
  Estimate accuracy;
};

Count count_of(const std::vector<const EvalProblem*>& problems) {
  Count count;
  bool once = true;
  for (const EvalProblem* problem : problems) {
    count.right += std::count(problem->right.begin(), problem->right.end(), true);
    count.all += static_cast<std::int64_t>(problem->right.size());
    once = once && problem->right.size() == 1;
  }
  count.accuracy = mean_of_problems(scores_of(problems));
  if (once) count.accuracy.interval = wilson_interval(count.right, count.all);
  return count;
}

Json count_json(const Count& count) {
  return {{"right", count.right},
          {"all", count.all},
          {"accuracy", count.accuracy.mean},
          {"interval_95", {count.accuracy.interval.low, count.accuracy.interval.high}}};
}

std::size_t samples_of(const EvalTally& tally) {
  std::size_t fewest = tally.problems.empty() ? 0 : tally.problems.front().right.size();
  for (const EvalProblem& problem : tally.problems) fewest = std::min(fewest, problem.right.size());
  return fewest;
}

double mean_pass_at(const EvalTally& tally, std::int64_t k) {
  double sum = 0;
  for (const EvalProblem& problem : tally.problems) {
    sum += pass_at_k(static_cast<std::int64_t>(problem.right.size()),
                     std::count(problem.right.begin(), problem.right.end(), true), k);
  }
  return sum / static_cast<double>(tally.problems.size());
}

double majority_share(const EvalTally& tally) {
  const auto right = std::count_if(tally.problems.begin(), tally.problems.end(),
                                   [](const EvalProblem& problem) { return problem.vote_is_right(); });
  return static_cast<double>(right) / static_cast<double>(tally.problems.size());
}

std::vector<std::int64_t> ks_of(const EvalTally& tally) {
  std::vector<std::int64_t> ks;
  const auto samples = static_cast<std::int64_t>(samples_of(tally));
  for (std::int64_t k = 1; k < samples; k *= 2) ks.push_back(k);
  if (samples > 0) ks.push_back(samples);
  return ks;
}

Result<EvalTally> from_file(const std::string& path) {
  std::ifstream file(path);
  if (!file) return fail(Errc::usage, "cannot read " + path);
  EvalTally tally;
  std::unordered_map<std::string, std::size_t> places;
  std::vector<EvalProblem> problems;
  std::int64_t row = 0;
  for (std::string line; std::getline(file, line);) {
    ++row;
    const auto item = parse_json(line);
    if (!item || !item->is_object() || !item->value("right", Json()).is_boolean()) {
      return fail(Errc::usage, path + ":" + std::to_string(row) + ": no line that retort eval -o wrote");
    }
    const std::string id = problem_id(json_child(*item, "messages"), json_text(*item, "reference"));
    // A problem that was given twice is two problems: the second time its samples begin again.
    const auto place = places.find(id);
    const bool known = place != places.end() && json_count(*item, "sample").value_or(0) > 0;
    if (!known) {
      places[id] = problems.size();
      problems.push_back({id, json_text(*item, "family"), {}, {}});
    }
    EvalProblem& problem = problems[places[id]];
    problem.right.push_back((*item)["right"].get<bool>());
    problem.extracted.push_back(json_text(*item, "extracted"));
    tally.cut += json_text(*item, "finish") == "stop" ? 0 : 1;
  }
  for (EvalProblem& problem : problems) tally.add(std::move(problem));
  return tally;
}

Result<EvalTally> from_corpus(CorpusOpener& corpora, const std::string& corpus, RowId run) {
  auto reader = corpora.read(corpus);
  if (!reader) return fail(reader.error());
  const auto runs = (*reader)->runs();
  if (!runs) return fail(runs.error());
  for (const RunRecord& record : *runs) {
    if (record.id != run) continue;
    EvalTally tally;
    for (const auto& [id, marks] : json_child(record.summary, "problems").items()) {
      EvalProblem problem{id, "", {}, {}};
      for (const Json& mark : marks) problem.right.push_back(mark == 1);
      problem.extracted.resize(problem.right.size());
      tally.add(std::move(problem));
    }
    if (!tally.problems.empty()) return tally;
  }
  return fail(Errc::usage, corpus + " has no evaluation with the number " + std::to_string(run) +
                               ": retort eval -c says it at its end");
}

}  // namespace

double EvalProblem::score() const {
  return right.empty()
             ? 0
             : static_cast<double>(std::count(right.begin(), right.end(), true)) / static_cast<double>(right.size());
}

bool EvalProblem::vote_is_right() const { return !right.empty() && right[majority(extracted)]; }

std::string problem_id(const Json& messages, const std::string& reference) {
  return sha256_hex(canonical_json(Json::array({messages, reference}))).substr(0, 16);
}

void EvalTally::add(EvalProblem problem) {
  answers += static_cast<std::int64_t>(problem.right.size());
  right += std::count(problem.right.begin(), problem.right.end(), true);
  problems.push_back(std::move(problem));
}

Json tally_json(const EvalTally& tally) {
  Json result = count_json(count_of(all_of(tally)));
  Json families = Json::object();
  for (const auto& [name, problems] : by_family(tally)) families[name] = count_json(count_of(problems));
  result["families"] = families;
  result["cut"] = tally.cut;
  result["problems"] = tally.problems.size();
  result["samples"] = samples_of(tally);
  Json pass_at = Json::object();
  for (const std::int64_t k : ks_of(tally)) pass_at[std::to_string(k)] = mean_pass_at(tally, k);
  result["pass_at"] = pass_at;
  result["majority"] = majority_share(tally);
  return result;
}

std::vector<std::string> tally_lines(const EvalTally& tally, const std::string& who) {
  std::vector<std::string> lines;
  Table table(
      {{"family"}, {"right", Table::Align::right}, {"of", Table::Align::right}, {"accuracy", Table::Align::right}});
  const auto families = by_family(tally);
  std::string named;
  for (const auto& [name, problems] : families) {
    const Count count = count_of(problems);
    table.add({name, with_commas(count.right), with_commas(count.all), percent(count.accuracy.mean)});
    named += (named.empty() ? "; " : ", ") + visible_line(name) + " " + percent(count.accuracy.mean);
  }
  if (!families.empty()) lines = table.lines();
  if (tally.cut > 0) lines.push_back(with_commas(tally.cut) + " answers did not end within their limit");
  if (samples_of(tally) > 1) {
    std::string line;
    for (const std::int64_t k : ks_of(tally))
      line += "pass@" + std::to_string(k) + " " + percent(mean_pass_at(tally, k)) + ", ";
    lines.push_back(line + "maj@" + std::to_string(samples_of(tally)) + " " + percent(majority_share(tally)));
  }
  const Count all = count_of(all_of(tally));
  lines.push_back("accuracy " + percent(all.accuracy.mean) + " (" + with_commas(all.right) + " of " +
                  with_commas(all.all) + ", 95 % interval " + percent(all.accuracy.interval.low) + " to " +
                  percent(all.accuracy.interval.high) + ") of " + who + named);
  return lines;
}

Json tally_record(const EvalTally& tally) {
  Json record = Json::object();
  for (const EvalProblem& problem : tally.problems) {
    Json marks = Json::array();
    for (const bool right : problem.right) marks.push_back(right ? 1 : 0);
    record[problem.id] = std::move(marks);
  }
  return record;
}

Result<EvalTally> read_tally(CorpusOpener& corpora, const std::string& from) {
  const std::size_t hash = from.rfind('#');
  if (hash == std::string::npos) return from_file(from);
  RowId run = 0;
  const char* end = from.data() + from.size();
  const auto parsed = std::from_chars(from.data() + hash + 1, end, run);
  if (parsed.ec != std::errc() || parsed.ptr != end)
    return fail(Errc::usage, from + ": after # comes the number of a run");
  return from_corpus(corpora, from.substr(0, hash), run);
}

}  // namespace retort
