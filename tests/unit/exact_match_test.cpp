#include "core/grade/exact_match.h"
#include "core/grade/accuracy.h"
#include "tests/catch.h"

using namespace retort;

TEST_CASE("an answer matches as a whole, by its last line, or after 'Answer:'") {
  for (const char* right : {"42", " 42\n", "42.", "6 times 7\n42", "6 times 7\r\n42\n\n", "Answer: 42",
                            "so\nanswer:42 .", "ANSWER: 41? No. Answer: 42"}) {
    INFO(right);
    CHECK(exact_match(right, "42"));
    CHECK(exact_match(right, " 42 "));
  }
  for (const char* wrong :
       {"", "420", "142", "4 2", "42 apples", "it is 42", "42\n43", "Answer: 42 or 43", "-42", "42.."}) {
    INFO(wrong);
    CHECK_FALSE(exact_match(wrong, "42"));
  }
  CHECK(exact_match("3.5", "3.5"));
  CHECK(exact_match("U.S.", "U.S."));
  CHECK_FALSE(exact_match("", ""));
  CHECK_FALSE(exact_match("anything", "  "));
}

TEST_CASE("Wilson's interval agrees with published figures") {
  // Newcombe (1998), table I: 81 of 263, 15 of 148, 0 of 20, 1 of 29.
  const auto close = [](double a, double b) { return a > b - 0.00006 && a < b + 0.00006; };
  CHECK(close(wilson_interval(81, 263).low, 0.2553));
  CHECK(close(wilson_interval(81, 263).high, 0.3662));
  CHECK(close(wilson_interval(15, 148).low, 0.0624));
  CHECK(close(wilson_interval(15, 148).high, 0.1605));
  CHECK(wilson_interval(0, 20).low == 0);
  CHECK(close(wilson_interval(0, 20).high, 0.1611));
  CHECK(close(wilson_interval(1, 29).low, 0.0061));
  CHECK(wilson_interval(20, 20).high == 1);
  CHECK(wilson_interval(0, 0).low == 0);
  CHECK(wilson_interval(0, 0).high == 1);
}
