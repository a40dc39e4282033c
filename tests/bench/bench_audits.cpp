// How well the audits agree with the labelled answers in tests/unit/audit, by detector and by language, and how fast
// they read. The errors of the tuning half are listed with --errors; of the held-out half only the figures are shown,
// so that nobody tunes on it.
// Usage: bench_audits [--errors]: tables on stdout.
#include <cstdio>
#include <cstring>
#include <ctime>
#include <map>
#include <string>

#include "core/curate/audit/audit.h"
#include "tests/support/labelled.h"
#include "tests/support/planted_texts.h"

namespace retort {
namespace {

void print_table(const std::map<std::string, Agreement>& rows) {
  std::printf("%-24s %9s %10s %10s\n", "", "examples", "precision", "recall");
  for (const auto& [name, row] : rows) {
    std::printf("%-24s %9d %9.1f%% %9.1f%%\n", name.c_str(), row.examples(), 100 * row.precision(), 100 * row.recall());
  }
}

void print_agreement(bool errors) {
  const auto judged = judged_examples(RETORT_SOURCE_DIR "/tests/unit/audit");
  for (const bool held_out : {false, true}) {
    std::map<std::string, Agreement> rows;
    for (const Judged& one : judged) {
      if (one.example.held_out() != held_out) continue;
      for (const std::string& row :
           {"by detector: " + one.detector, "by language: " + one.example.language, std::string("all")}) {
        rows[row].add(one.example.expected, one.found);
      }
      if (errors && !held_out && one.found != one.example.expected) {
        std::printf("%s %s: expected '%s', found '%s': %s%s\n", one.detector.c_str(), one.example.language.c_str(),
                    one.example.expected.c_str(), one.found.c_str(), one.example.text.c_str(),
                    one.example.reasoning.c_str());
      }
    }
    std::printf("\n%s\n", held_out ? "held-out half" : "tuning half");
    print_table(rows);
  }
}

void print_speed() {
  // Of the processor, so that a busy machine changes little.
  const auto seconds_of_processor = [] { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; };
  Prose prose(1);
  std::vector<std::string> texts;
  std::size_t bytes = 0;
  for (int i = 0; i < 2000; ++i) {
    texts.push_back(written(prose.words(330), prose.random()));
    bytes += texts.back().size();
  }
  std::printf("\nspeed, one thread, answers of %zu bytes\n", bytes / texts.size());
  for (const auto& audit : standard_audits()) {
    Answered pair;
    pair.text = texts[0];
    (void)audit->judge(pair);  // compiles patterns
    const double began = seconds_of_processor();
    int found = 0;
    for (const std::string& text : texts) {
      pair.text = text;
      found += audit->judge(pair).found();
    }
    const double took = seconds_of_processor() - began;
    std::printf("%-24s %7.1f us an answer, %6.0f MB/s, found %d\n", audit->kind().c_str(),
                1e6 * took / static_cast<double>(texts.size()), static_cast<double>(bytes) / took / 1e6, found);
  }
}

}  // namespace
}  // namespace retort

int main(int argc, char** argv) {
  retort::print_agreement(argc > 1 && std::strcmp(argv[1], "--errors") == 0);
  retort::print_speed();
  return 0;
}
