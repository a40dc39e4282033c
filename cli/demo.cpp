// `retort demo`: the whole loop against the embedded teacher. It is a list of command lines, printed and then run by
// the same code that runs them from a shell, so that each can be repeated by hand.
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "cli/progress.h"
#include "cli/run_record.h"
#include "cli/student_module.h"
#include "core/serve/openai_server.h"

namespace retort {
namespace {

constexpr int kUsualPort = 8571;  // the same in every demo where it is free, so that printed commands can be repeated

struct Flags {
  std::string folder = "retort-demo";
  int prompts = 4400;
  int held_out = 600;
};

/// Accuracy, overall and per family, of what `eval -o` wrote: one graded answer a line.
Result<Json> summarise_items(const std::string& path) {
  std::ifstream file(path);
  std::map<std::string, std::pair<int, int>> families;
  std::pair<int, int> overall;
  for (std::string line; std::getline(file, line);) {
    const Result<Json> item = parse_json(line);
    if (!item) return fail(Errc::internal, path + ": " + item.error().message);
    for (auto* count : {&overall, &families[json_text(*item, "family")]}) {
      ++count->second;
      if (item->value("right", false)) ++count->first;
    }
  }
  if (overall.second == 0) return fail(Errc::internal, path + " holds no graded answers");
  const auto share = [](const std::pair<int, int>& count) { return static_cast<double>(count.first) / count.second; };
  Json shares = Json::object();
  for (const auto& [family, count] : families) shares[family] = share(count);
  return Json{{"all", overall.second}, {"accuracy", share(overall)}, {"families", shares}};
}

/// The demo's steps share a folder and stop at the first that fails.
class Demo {
 public:
  Demo(const Flags& flags, Edges& edges) : flags_(flags), edges_(edges), started_(edges.clock.now()) {}

  Result<int> run() {
    // Asked for before anything is made: without it the demo would stop half way.
    if (const auto module = StudentModule::load(); !module) return fail(module.error());
    if (auto ready = prepare(); !ready) return fail(ready.error());
    Result<std::unique_ptr<OpenAiServer>> server = serve();
    if (!server) return fail(server.error());
    if (auto written = write_configuration((*server)->base_url()); !written) return fail(written.error());
    const int status = steps((*server)->port());
    (*server)->stop();
    if (status != kExitComplete) return status;
    return report();
  }

 private:
  std::string in_folder(const char* name) const { return flags_.folder + "/" + name; }

  Result<void> prepare() {
    std::error_code problem;
    if (std::filesystem::exists(in_folder("corpus.db"), problem)) {
      return fail(Errc::usage,
                  "'" + flags_.folder + "' holds an earlier demo: remove it, or name another folder with -o");
    }
    std::filesystem::create_directories(flags_.folder, problem);
    if (problem) return fail(Errc::disk, "cannot make the folder '" + flags_.folder + "': " + problem.message());
    return {};
  }

  Result<std::unique_ptr<OpenAiServer>> serve() {
    ServerOptions options;
    options.port = kUsualPort;
    Result<std::unique_ptr<OpenAiServer>> server =
        OpenAiServer::start(options, make_arithmetic_teacher(), edges_.clock);
    if (server) return server;
    options.port = 0;
    return OpenAiServer::start(options, make_arithmetic_teacher(), edges_.clock);
  }

  Result<void> write_configuration(const std::string& base_url) {
    std::ofstream file(in_folder("retort.toml"));
    file << "# The embedded teacher: its answers are made by rules of this program, so its terms are ours.\n"
            "[teacher.arithmetic]\n"
            "api = \"openai-chat\"\n"
            "base_url = \""
         << base_url
         << "\"\n"
            "model = \"arithmetic\"\n"
            "licence = \"Apache-2.0\"\n"
            "outputs_may_train = true\n"
            "max_in_flight = 16\n"
            "# Invented, so that the ledger has something to count.\n"
            "price_input_per_million = 0.14\n"
            "price_output_per_million = 2.19\n";
    file.close();
    if (!file) return fail(Errc::disk, "cannot write '" + in_folder("retort.toml") + "'");
    return {};
  }

  /// Prints a command line and runs it. Its exit status.
  int step(std::vector<std::string> words) {
    std::string line = "$ retort";
    for (const std::string& word : words) line += " " + shell_quoted(word);
    print_line("\n" + line);
    std::fflush(stdout);
    const Instant begun = edges_.clock.now();
    const int status = run_command_line(words, edges_);
    if (status != kExitComplete) {
      say("the demo stops here: '" + words.front() + "' ended with status " + std::to_string(status));
      return status;
    }
    seconds_.emplace_back(words.front(), edges_.clock.now() - begun);
    return kExitComplete;
  }

  // No answer of the teacher is longer; an untrained student would go on to any limit.
  std::vector<std::string> eval(const char* run, const std::string& held_out) const {
    return {"eval", in_folder(run), "--prompts", held_out, "--max-tokens", "128", "-o", in_folder(run) + ".jsonl"};
  }

  /// The exit status of the first that fails, else 0.
  int steps(int port) {
    print_line(
        "The demo asks the embedded teacher, which runs in this process. To repeat a command below by hand, start it "
        "with\n"
        "$ retort serve --builtin arithmetic --port " +
        std::to_string(port));
    const std::string prompts = in_folder("prompts.jsonl"), held_out = in_folder("held-out.jsonl"),
                      corpus = in_folder("corpus.db");
    const std::vector<std::vector<std::string>> lines = {
        {"prompts", "arithmetic", "--count", std::to_string(flags_.prompts), "--seed", "1", "-o", prompts},
        {"prompts", "arithmetic", "--count", std::to_string(flags_.held_out), "--seed", "2", "--split", "held-out",
         "-o", held_out},
        {"harvest", prompts, "-t", "arithmetic", "-c", corpus, "--config", in_folder("retort.toml")},
        {"train", "-c", corpus, "-o", in_folder("untrained"), "--steps", "0"},
        eval("untrained", held_out),
        {"train", "-c", corpus, "-o", in_folder("half"), "--max-pairs", std::to_string(flags_.prompts / 2)},
        eval("half", held_out),
        {"train", "-c", corpus, "-o", in_folder("student")},
        eval("student", held_out),
        {"generate", in_folder("student"), "--prompt", "What is 1234 + 5678?"},
        {"status", "-c", corpus},
    };
    for (const auto& words : lines) {
      if (const int status = step(words); status != kExitComplete) return status;
    }
    return kExitComplete;
  }

  Result<int> report() {
    Json figures = Json::object();
    std::string families;
    for (const char* name : {"untrained", "half", "student"}) {
      Result<Json> summary = summarise_items(in_folder(name) + ".jsonl");
      if (!summary) return fail(summary.error());
      figures[name] = std::move(*summary);
    }
    const auto percent = [](const Json& share) {
      char text[32];
      std::snprintf(text, sizeof text, "%.1f %%", 100 * share.get<double>());
      return std::string(text);
    };
    for (const auto& [family, share] : figures["student"]["families"].items())
      families += (families.empty() ? "" : ", ") + family + " " + percent(share);
    print_line("\nEverything lies in " + flags_.folder +
               "/: retort.toml, prompts.jsonl, held-out.jsonl, corpus.db (open it with sqlite3),\n"
               "and the students untrained/, half/ and student/, each a Hugging Face model folder with a manifest.json "
               "of what it learned from.");
    std::string times;
    for (const auto& [command, took] : seconds_) {
      if (took >= 1s) times += (times.empty() ? "" : ", ") + command + " " + short_duration(took);
    }
    print_line("Time: " + times + "; all of it " + short_duration(edges_.clock.now() - started_) + ".");
    print_line("accuracy on " + std::to_string(figures["student"]["all"].get<int>()) +
               " held-out problems: before training " + percent(figures["untrained"]["accuracy"]) +
               ", after half of the corpus " + percent(figures["half"]["accuracy"]) + ", after all of it " +
               percent(figures["student"]["accuracy"]) + " (" + families + ")");
    return kExitComplete;
  }

  Flags flags_;
  Edges& edges_;
  Instant started_;
  std::vector<std::pair<std::string, Duration>> seconds_;
};

}  // namespace

void add_demo(CLI::App& app, Action& action) {
  const auto flags = std::make_shared<Flags>();
  CLI::App* command =
      app.add_subcommand("demo", "The whole loop against the embedded teacher: serve, harvest, train, evaluate");
  command->add_option("-o,--output", flags->folder, "Folder for everything that is made")->capture_default_str();
  command->add_option("--prompts", flags->prompts, "How many problems the teacher is asked")
      ->capture_default_str()
      ->check(CLI::Range(100, 1'000'000));
  command->add_option("--held-out", flags->held_out, "How many other problems the students are examined on")
      ->capture_default_str()
      ->check(CLI::Range(10, 100'000));
  command->footer("Example:\n  retort demo\n  retort demo -o /tmp/demo --prompts 2000");
  command->callback([flags, &action] { action = [flags](Edges& edges) { return Demo(*flags, edges).run(); }; });
}

}  // namespace retort
