// The audits agree with the labelled answers in tests/unit/audit: the targets of docs/audits.md, held on the half that
// nobody tunes on. `bench_audits` prints the figures.
#include <map>
#include <set>

#include "tests/catch.h"
#include "tests/support/labelled.h"

namespace retort {
namespace {

const std::string kFolder = RETORT_SOURCE_DIR "/tests/unit/audit";

TEST_CASE("the labelled answers are many, in five languages, with and without a finding", "[audit]") {
  std::map<std::string, std::map<bool, int>> by_language;
  int all = 0, held_out = 0;
  for (const Judged& one : judged_examples(kFolder)) {
    ++all;
    held_out += one.example.held_out();
    ++by_language[one.example.language][one.example.expected.empty()];
  }
  CHECK(all >= 300);
  CHECK((held_out > all * 0.4 && held_out < all * 0.6));
  CHECK(by_language.size() == 5);
  for (const auto& [language, counts] : by_language) {
    CAPTURE(language);
    CHECK(counts.at(true) >= 30);
    CHECK(counts.at(false) >= 30);
  }
}

TEST_CASE("on the held-out half precision and recall are 95 % or more, and 90 % in each language", "[audit]") {
  Agreement all;
  std::map<std::string, Agreement> by_language, by_detector;
  for (const Judged& one : judged_examples(kFolder)) {
    if (!one.example.held_out()) continue;
    for (Agreement* agreement : {&all, &by_language[one.example.language], &by_detector[one.detector]}) {
      agreement->add(one.example.expected, one.found);
    }
  }
  CHECK(all.precision() >= 0.95);
  CHECK(all.recall() >= 0.95);
  for (const auto& [language, agreement] : by_language) {
    CAPTURE(language);
    CHECK(agreement.precision() >= 0.9);
    CHECK(agreement.recall() >= 0.9);
  }
  for (const char* detector : {"refusal", "self_identification"}) {
    CAPTURE(detector);
    CHECK(by_detector[detector].precision() >= 0.95);
    CHECK(by_detector[detector].recall() >= 0.95);
  }
}

}  // namespace
}  // namespace retort
