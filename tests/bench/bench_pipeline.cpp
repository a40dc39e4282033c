// A million answers of two kilobytes through the whole of `retort curate`: audits, decontamination, exact and near
// dedupe, in how long and in how much memory; and how much of what was planted is found. Usage: bench_pipeline [PAIRS]
// [FOLDER]: a table on stdout. The corpus is made in FOLDER (default: build/), some 4 KB a pair, and removed again. The
// program under test is the one beside this one.
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/base/hash.h"
#include "core/base/json.h"
#include "storage/connection.h"
#include "storage/corpus_file.h"
#include "tests/support/planted_texts.h"

namespace retort {
namespace {

namespace fs = std::filesystem;

constexpr int kItems = 10'000;

constexpr char kRecipe[] = R"(name = "bench"
[[stage]]
stage = "finished"
[[stage]]
stage = "refusal"
[[stage]]
stage = "self_identification"
[[stage]]
stage = "language"  # the words are made up: what it calls them is no matter here
only = ["mixed_reasoning"]
[[stage]]
stage = "repetition"
[[stage]]
stage = "personal_data"
[[stage]]
stage = "decontaminate"
sets = ["items.jsonl"]
[[stage]]
stage = "duplicates"
[[stage]]
stage = "near_duplicates"
[split]
validation = 0.01
)";

/// What was put in on purpose. Copies of what is dropped before are not counted.
struct Planted {
  std::int64_t exact = 0, near = 0, contaminated = 0, refused = 0;
};

void must(const Result<void>& done) {
  if (done) return;
  std::fprintf(stderr, "bench_pipeline: %s\n", done.error().message.c_str());
  std::exit(1);
}

std::vector<std::string> item_words(Prose& prose, int item) {
  prose.reseed(1'000'000'000ULL + static_cast<std::uint64_t>(item));
  return prose.words(static_cast<std::size_t>(prose.random().between(13, 60)));
}

void write_items(Prose& prose, const std::string& path) {
  std::ofstream file(path);
  for (int i = 0; i < kItems; ++i) {
    const auto words = item_words(prose, i);
    file << Json({{"id", std::to_string(i)}, {"question", written(words, prose.random())}}).dump() << "\n";
  }
}

/// Numbers that end in 7 of every 20 say what an earlier one says, with few words changed; those that end in 13 say the
/// very same; 3 of every 50 hold an item of the evaluation set; 11 of every 100 are refusals.
class Texts {
 public:
  struct Text {
    std::string question, answer;
  };
  Text make(std::uint32_t n, Planted* planted) {
    if (n % 100 == 11) {
      if (planted) ++planted->refused;
      return {question(n), "I'm sorry, but I can't help with that request."};
    }
    if (n >= 100 && n % 20 == 7) {
      const std::uint32_t source = plain_before(n);
      prose_.reseed(source);
      auto words = prose_.words(length());
      prose_.reseed(n);
      words = prose_.edited(std::move(words), static_cast<int>(prose_.random().between(1, 4)));
      if (planted) ++planted->near;
      return {question(source), joined(words)};
    }
    if (n >= 100 && n % 20 == 13) {
      if (planted) ++planted->exact;
      return make(plain_before(n), nullptr);
    }
    prose_.reseed(n);
    auto words = prose_.words(length());
    if (n % 50 == 3) {
      const auto item = item_words(prose_, static_cast<int>(n / 50 % kItems));
      words.insert(words.begin() + 60, item.begin(), item.end());
      if (planted) ++planted->contaminated;
    }
    return {question(n), joined(words)};
  }
  Prose& prose() { return prose_; }

 private:
  std::size_t length() { return static_cast<std::size_t>(prose_.random().between(290, 340)); }
  /// A number that is nothing of the above.
  static std::uint32_t plain_before(std::uint32_t n) { return n / 200 * 100 + 1; }
  static std::string joined(const std::vector<std::string>& words) {
    std::string text;
    for (std::size_t i = 0; i < words.size(); ++i) text += (i == 0 ? "" : i % 13 == 0 ? ". " : " ") + words[i];
    return text + ".";
  }
  std::string question(std::uint32_t n) {
    prose_.reseed(5'000'000'000ULL + n);
    return "Please write about " + joined(prose_.words(12));
  }
  Prose prose_{1};
};

// Straight into the tables: what is measured reads them, and a harvest has benchmarks of its own.
Planted fill(const std::string& path, std::uint32_t pairs) {
  auto opened = open_for_writing(path);
  if (!opened) must(fail(opened.error()));
  Connection& connection = **opened;
  must(connection.script(
      "PRAGMA synchronous = OFF; INSERT INTO terms VALUES (1, 'MIT', '', '', '[]', 1); INSERT INTO teacher VALUES (1, "
      "'t', 'openai-chat', 'http://127.0.0.1', 'small', '', 1); INSERT INTO run (command, arguments, version, host, "
      "configuration, teacher_id, state, began_at) VALUES ('harvest', '', '', '', '{}', 1, 'ended', '2026-01-01')"));
  Texts texts;
  Planted planted;
  for (std::uint32_t at = 0; at < pairs;) {
    Transaction transaction(connection);
    must(transaction.begin());
    for (const std::uint32_t end = std::min(pairs, at + 20'000); at < end; ++at) {
      const Texts::Text text = texts.make(at, &planted);
      const std::string messages = dump_json(Json::array({{{"role", "user"}, {"content", text.question}}}));
      const std::int64_t id = std::int64_t{at} + 1;
      must(connection.run("INSERT INTO prompt (id, digest, messages) VALUES (?, ?, ?)", id, std::to_string(at),
                          messages));
      must(
          connection.run("INSERT INTO request (id, digest, prompt_id, teacher_id, dialect, model, parameters, sample, "
                         "status) VALUES (?, ?, ?, 1, 'openai-chat', 'small', '{}', 0, 'answered')",
                         id, std::to_string(at), id));
      must(
          connection.run("INSERT INTO attempt (id, request_id, run_id, outcome, begun_at) VALUES (?, ?, 1, 'answered', "
                         "'2026-01-01T00:00:00.000Z')",
                         id, id));
      must(connection.run(
          "INSERT INTO response (id, attempt_id, request_id, teacher_id, terms_id, text, reasoning, refusal, finish, "
          "provider_finish, output_tokens, served_model, system_fingerprint, provider_id, cost_usd, obtained_at) "
          "VALUES "
          "(?, ?, ?, 1, 1, ?, '', '', 'stop', 'stop', 400, 'small', '', '', 0, '2026-01-01T00:00:00.000Z')",
          id, id, id, text.answer));
      must(connection.run("UPDATE request SET response_id = ? WHERE id = ?", id, id));
    }
    must(transaction.commit());
  }
  return planted;
}

struct Ran {
  double seconds = 0, processor_seconds = 0, peak_mib = 0;
  Json result;
};

Ran curate(const std::string& program, const std::string& folder) {
  const std::string command =
      "cd '" + folder + "' && '" + program + "' curate -c corpus.db --recipe recipe.toml --json > result.json";
  rusage before{}, after{};
  getrusage(RUSAGE_CHILDREN, &before);
  SystemClock clock;
  const auto began = clock.now();
  const int status = std::system(command.c_str());
  Ran ran;
  ran.seconds = std::chrono::duration<double>(clock.now() - began).count();
  if (status != 0) must(fail(Errc::internal, "retort curate failed"));
  getrusage(RUSAGE_CHILDREN, &after);
  const auto seconds = [](const rusage& usage) {
    return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
  };
  ran.processor_seconds = seconds(after) - seconds(before);
  ran.peak_mib = static_cast<double>(after.ru_maxrss) / 1024.0;
  std::ifstream file(folder + "/result.json");
  std::string line;
  std::getline(file, line);
  if (auto parsed = parse_json(line)) ran.result = std::move(*parsed);
  return ran;
}

int run(std::uint32_t pairs, const std::string& folder, const std::string& program) {
  fs::create_directories(folder);
  Prose prose(1);
  write_items(prose, folder + "/items.jsonl");
  std::ofstream(folder + "/recipe.toml") << kRecipe;
  const Planted planted = fill(folder + "/corpus.db", pairs);
  std::printf(
      "%u pairs, a corpus of %.2f GB; planted: %lld refusals, %lld contaminated, %lld exact and %lld near copies\n",
      pairs, static_cast<double>(fs::file_size(folder + "/corpus.db")) / 1e9, static_cast<long long>(planted.refused),
      static_cast<long long>(planted.contaminated), static_cast<long long>(planted.exact),
      static_cast<long long>(planted.near));
  std::fflush(stdout);
  for (const char* which : {"first", "again"}) {
    const Ran ran = curate(program, folder);
    std::printf("%s: %.0f s (%.0f s of processors), peak memory %.0f MiB\n", which, ran.seconds, ran.processor_seconds,
                ran.peak_mib);
    if (std::string(which) == "first") {
      for (const Json& line : ran.result.value("funnel", Json::array())) std::printf("  %s\n", dump_json(line).c_str());
    }
    std::printf("  labels: %s\n", dump_json(ran.result.value("labels", Json())).c_str());
    std::fflush(stdout);
  }
  return 0;
}

}  // namespace
}  // namespace retort

int main(int argc, char** argv) {
  const auto pairs = static_cast<std::uint32_t>(argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 100'000);
  const auto here = std::filesystem::canonical("/proc/self/exe").parent_path();
  const std::string folder =
      (argc > 2 ? std::filesystem::path(argv[2]) : here) / ("bench-pipeline-" + std::to_string(getpid()));
  const int status = retort::run(pairs, std::filesystem::absolute(folder).string(), (here / "retort").string());
  std::error_code ignored;
  std::filesystem::remove_all(folder, ignored);
  return status;
}
