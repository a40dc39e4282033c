// `retort costs`: what a corpus, and what was made of it, has cost: every run, the wasted part told apart.
#include <algorithm>
#include <map>

#include "cli/batch.h"
#include "cli/command.h"
#include "cli/terminal.h"

namespace retort {
namespace {

struct CostsFlags {
  std::string corpus = "corpus.db";
  bool json = false;
};

struct Account {
  std::int64_t runs = 0, asked = 0, answered = 0, truncated = 0, refusals = 0, failed = 0, unknown = 0;
  Tokens input = 0, output = 0;
  Usd cost, truncated_cost, possibly_billed;
};

void add(Account& account, const RunRecord& run) {
  ++account.runs;
  account.asked += run.attempts;
  account.answered += run.answered;
  account.truncated += run.truncated;
  account.refusals += run.refusals;
  account.failed += run.failed;
  account.unknown += run.unknown;
  account.input += run.input;
  account.output += run.output;
  account.cost += run.cost;
  account.truncated_cost += run.truncated_cost;
  account.possibly_billed += run.possibly_billed;
}

Json as_json(const Account& account) {
  return {{"runs", account.runs},
          {"asked", account.asked},
          {"answered", account.answered},
          {"truncated", account.truncated},
          {"refusals", account.refusals},
          {"failed", account.failed},
          {"delivery_unknown", account.unknown},
          {"input_tokens", account.input},
          {"output_tokens", account.output},
          {"cost_usd", account.cost.dollars()},
          {"truncated_usd", account.truncated_cost.dollars()},
          {"possibly_billed_usd", account.possibly_billed.dollars()}};
}

double training_seconds(const RunRecord& run) {
  return run.summary.is_object() && run.summary.contains("seconds") && run.summary["seconds"].is_number()
             ? run.summary["seconds"].get<double>()
             : 0;
}

/// Trainings: those that made the last student (one that was resumed is several), or all before them.
struct Training {
  std::int64_t runs = 0;
  double seconds = 0, joules = 0;
  std::int64_t unmeasured = 0;  ///< runs of which nobody knows the energy
  std::string folder;           ///< of the last run
};

// By RAPL and NVML, as `retort train` kept it; what cannot be read is not guessed.
void add_training(Training& training, const RunRecord& run) {
  ++training.runs;
  training.seconds += training_seconds(run);
  const Json& joules = json_child(json_child(run.summary, "energy"), "joules");
  if (joules.is_number()) {
    training.joules += joules.get<double>();
  } else {
    ++training.unmeasured;
  }
}

void add_training(Training& training, const Training& other) {
  training.runs += other.runs;
  training.seconds += other.seconds;
  training.joules += other.joules;
  training.unmeasured += other.unmeasured;
}

Json as_json(const Training& training) {
  return {{"runs", training.runs},
          {"seconds", training.seconds},
          {"joules", training.unmeasured < training.runs ? Json(training.joules) : Json(nullptr)},
          {"runs_without_energy", training.unmeasured}};
}

std::string described(const Training& training) {
  std::string text = with_commas(training.runs) + (training.runs == 1 ? " run, " : " runs, ") +
                     with_commas(static_cast<std::int64_t>(training.seconds)) + " s";
  if (training.unmeasured < training.runs)
    text += ", " + with_commas(static_cast<std::int64_t>(training.joules)) + " J counted by the processors";
  if (training.unmeasured > 0)
    text += training.unmeasured == training.runs ? ", energy unknown"
                                                 : ", energy of " + with_commas(training.unmeasured) + " unknown";
  return text;
}

std::string dollars(Usd cost) {
  std::string text = std::to_string(cost.dollars());
  return "$" + text;
}

// Zero may be a price, or that nobody stated one: a sum of it would claim to know.
std::string money_of(const Account& account) {
  const Usd none;
  if (account.cost == none && account.possibly_billed == none) {
    return account.answered == 0 ? "no cost" : "no cost known (the profile states no price, or it is free)";
  }
  return dollars(account.cost) + ", of it " + dollars(account.truncated_cost) + " for cut answers; at most " +
         dollars(account.possibly_billed) + " more may have been billed without an answer";
}

void print_account(const std::string& name, const Account& account) {
  print_line(name + ": " + with_commas(account.asked) + " asked, " + with_commas(account.answered) + " answered (" +
             with_commas(account.truncated) + " cut, " + with_commas(account.refusals) + " declined), " +
             with_commas(account.failed) + " failed, " + with_commas(account.unknown) + " without an outcome; " +
             with_commas(account.input) + " + " + with_commas(account.output) + " tokens; " + money_of(account));
}

Json dropped_by_stage(const ViewRecord& view) {
  Json stages = Json::array();
  for (const Json& line : view.funnel) {
    const std::int64_t in = line.value("in", std::int64_t{0}), out = line.value("out", std::int64_t{0});
    if (in > out) stages.push_back({{"stage", line["stage"]}, {"pairs", in - out}, {"dropped", line["dropped"]}});
  }
  return stages;
}

Result<int> run_costs(Edges& edges, const CostsFlags& flags) {
  auto reader = edges.corpora.read(flags.corpus);
  if (!reader) return fail(reader.error());
  const auto runs = (*reader)->runs();
  if (!runs) return fail(runs.error());
  const auto views = (*reader)->views();
  if (!views) return fail(views.error());

  Account all;
  std::map<std::string, Account> teachers, stages;
  Training before, last;
  for (const RunRecord& run : *runs) {
    if (run.attempts > 0) {
      add(all, run);
      add(teachers[run.teacher], run);
      add(stages[run.command], run);
    }
    if (run.command != "train") continue;
    const std::string folder = json_text(run.summary, "run");
    if (last.runs > 0 && folder != last.folder) {
      add_training(before, last);
      last = {};
    }
    last.folder = folder;
    add_training(last, run);
  }
  const auto batches = under_way(flags.corpus);
  if (!batches) return fail(batches.error());
  if (flags.json) {
    Json by_teacher = Json::object(), by_stage = Json::object(), by_view = Json::array();
    for (const auto& [name, account] : teachers) by_teacher[name] = as_json(account);
    for (const auto& [name, account] : stages) by_stage[name] = as_json(account);
    for (const ViewRecord& view : *views)
      by_view.push_back({{"view", view.name}, {"pairs", view.pairs}, {"dropped", dropped_by_stage(view)}});
    const Json in_batches = {{"asked", batches->requests}, {"usd_at_most", batches->reserved.dollars()}};
    print_line(visible_json(dump_json({{"harvest", as_json(all)},
                                       {"in_batches", in_batches},
                                       {"teachers", by_teacher},
                                       {"stages", by_stage},
                                       {"views", by_view},
                                       {"training", {{"final", as_json(last)}, {"before", as_json(before)}}}})));
    return 0;
  }
  print_account("all", all);
  for (const auto& [name, account] : teachers) print_account("teacher " + visible_line(name), account);
  if (batches->requests > 0) {
    print_line("under way in batches: " + with_commas(batches->requests) + " asked, at most " +
               dollars(batches->reserved));
  }
  for (const auto& [name, account] : stages) print_account("stage " + visible_line(name), account);
  for (const ViewRecord& view : *views) {
    print_line("view " + visible_line(view.name) + ": " + with_commas(view.pairs) + " pairs accepted");
    for (const Json& line : dropped_by_stage(view))
      print_line("  " + line["stage"].get<std::string>() + " dropped " + with_commas(line["pairs"]));
  }
  print_line("training: the final student: " + described(last) + "; before it: " + described(before));
  return 0;
}

}  // namespace

void add_costs(CLI::App& app, Action& action) {
  auto flags = std::make_shared<CostsFlags>();
  CLI::App* command = app.add_subcommand("costs", "What a corpus has cost, over all runs, and what of it was wasted");
  command->add_option("-c,--corpus", flags->corpus, "Corpus to account for")->capture_default_str();
  command->add_flag("--json", flags->json, "As one line of JSON");
  command->footer("Example:\n  retort costs -c corpus.db");
  command->callback([flags, &action] { action = [flags](Edges& edges) { return run_costs(edges, *flags); }; });
}

}  // namespace retort
