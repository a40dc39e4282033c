#include <map>
#include <sstream>

#include "core/grade/make_grader.h"
#include "core/grade/math_equal.h"
#include "core/grade/math_grader.h"
#include "tests/catch.h"
#include "tests/support/temporary_folder.h"

namespace retort {
namespace {

Grade graded(const Grader& grader, const std::string& reference, const std::string& answer) {
  GradeInput input;
  input.reference = reference;
  input.answer = answer;
  return dynamic_cast<const PureGrader&>(grader).grade(input);
}

std::vector<std::vector<std::string>> table(const std::string& name) {
  std::vector<std::vector<std::string>> rows;
  std::istringstream lines(read_bytes(RETORT_SOURCE_DIR "/tests/unit/grade/" + name));
  for (std::string line; std::getline(lines, line);) {
    std::vector<std::string> cells(1);
    for (const char c : line) {
      if (c == '\t') {
        cells.emplace_back();
      } else {
        cells.back() += c;
      }
    }
    rows.push_back(std::move(cells));
  }
  return rows;
}

std::string boxed(const std::string& text) { return "\\boxed{" + text + "}"; }

bool equal(std::string_view a, std::string_view b) {
  const auto left = parse_math(a), right = parse_math(b);
  REQUIRE_OK(left);
  REQUIRE_OK(right);
  return math_equal(*left, *right);
}

}  // namespace

namespace {

struct Agreement {
  std::size_t agreed = 0;
  std::string disagreements;
};

Agreement agreement_with_math_verify(const std::vector<std::vector<std::string>>& rows) {
  const auto grader = math_grader();
  Agreement found;
  for (const auto& row : rows) {
    REQUIRE(row.size() == 4);
    const Grade verdict = graded(*grader, boxed(row[0]), boxed(row[1]));
    if ((verdict.kind == Grade::Kind::right) == (row[2] == "1")) {
      ++found.agreed;
    } else {
      found.disagreements += row[0] + " | " + row[1] + " | math-verify " + row[2] + "\n";
    }
  }
  return found;
}

}  // namespace

TEST_CASE("the mathematical grader agrees with math-verify on 99 of 100 pairs", "[grade]") {
  const auto rows = table("math_pairs.tsv");
  REQUIRE(rows.size() == 2000);
  const Agreement found = agreement_with_math_verify(rows);
  INFO(found.disagreements);
  CHECK(found.agreed >= rows.size() * 99 / 100);
}

// Frozen, and judged one by one in docs/graders.md.
TEST_CASE("pairs that nobody tuned on are graded as they were when they were drawn", "[grade]") {
  const auto rows = table("held_out_pairs.tsv");
  REQUIRE(rows.size() == 2000);
  const Agreement found = agreement_with_math_verify(rows);
  INFO(found.disagreements);
  CHECK(found.agreed >= 1859);
}

TEST_CASE("no near miss is taken for right, and each is read", "[grade]") {
  const auto grader = math_grader();
  const auto rows = table("near_misses.tsv");
  REQUIRE(rows.size() >= 2000);
  std::map<std::string, int> kinds;
  for (const auto& row : rows) {
    REQUIRE(row.size() == 3);
    ++kinds[row[0]];
    const Grade verdict = graded(*grader, boxed(row[1]), boxed(row[2]));
    if (verdict.kind != Grade::Kind::wrong || verdict.reason.find("cannot be read") != std::string::npos)
      FAIL_CHECK(row[0] + ": " + row[1] + " | " + row[2] + " | " + verdict.reason);
    // The grader is not just severe: what it refuses for the other it takes for itself.
    CHECK(graded(*grader, boxed(row[1]), boxed(row[1])).kind == Grade::Kind::right);
  }
  CHECK(kinds.size() >= 10);
  for (const auto& [kind, count] : kinds) CHECK(count >= 200);
}

TEST_CASE("final answers that mean the same", "[grade]") {
  struct Same {
    const char *a, *b;
  };
  for (const Same& same : {
           Same{"\\frac{1}{2}", "0.5"},
           {"\\frac12", "\\dfrac{1}{2}"},
           {"3\\frac{1}{2}", "7/2"},
           {"1/3", "0.333333"},
           {"0.\\overline{3}", "1/3"},
           {"0.1\\overline{6}", "1/6"},
           {"\\sqrt{8}", "2\\sqrt2"},
           {"\\frac{\\sqrt{2}}{2}", "\\frac{1}{\\sqrt{2}}"},
           {"(x+1)^2", "x^2+2x+1"},
           {"\\frac{x^2-1}{x-1}", "x+1"},
           {"\\{1,2\\}", "\\{2,1\\}"},
           {"1 \\pm \\sqrt{2}", "1+\\sqrt2, 1-\\sqrt2"},
           {"[2,5)", "2\\le x<5"},
           {"\\mathbb{R}\\setminus\\{0\\}", "(-\\infty,0)\\cup(0,\\infty)"},
           {"(-\\infty,1)\\cup(2,\\infty)", "(2,\\infty)\\cup(-\\infty,1)"},
           {"x=5", "5"},
           {"y=2x+3", "2x-y+3=0"},
           {"90^\\circ", "90"},
           {"5\\text{ cm}", "5"},
           {"50\\%", "0.5"},
           {"10,000", "10000"},
           {"2^{100}", "1267650600228229401496703205376"},
           {"\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}", "\\begin{bmatrix}1&2\\\\3&\\sqrt{16}\\end{bmatrix}"},
           {"e^{2\\ln 3}", "9"},
           {"\\sin^2 x+\\cos^2 x", "1"},
           {"\\binom{5}{2}", "10"},
           {"i", "\\sqrt{-1}"},
           {"\\sqrt[3]{-8}", "-2"},
           {"\\text{(A)}", "A"},
           {"2π", "2\\pi"},
           {"3:4", "6:8"},
       }) {
    CAPTURE(same.a, same.b);
    CHECK(equal(same.a, same.b));
    CHECK(equal(same.b, same.a));
  }
}

TEST_CASE("final answers that do not", "[grade]") {
  struct Different {
    const char *a, *b;
  };
  for (const Different& different : {
           Different{"1/3", "0.33"},
           {"1/3", "0.333334"},
           {"\\pi", "3.14"},
           {"\\pi", "22/7"},
           {"(1,2)", "[1,2]"},
           {"(1,2)", "(2,1)"},
           {"\\sqrt{x^2}", "x"},
           {"2^{100}", "1267650600228229401496703205377"},
           {"x=5", "y=5"},
           {"x<3", "x\\le 3"},
           {"\\pm 2", "2"},
           {"\\infty", "-\\infty"},
           {"\\frac{x^2-1}{x-1}", "x-1"},
           {"\\text{odd}", "\\text{even}"},
           {"1e-20", "2e-20"},
       }) {
    CAPTURE(different.a, different.b);
    CHECK_FALSE(equal(different.a, different.b));
    CHECK_FALSE(equal(different.b, different.a));
  }
}

TEST_CASE("the mathematics of an answer is found in its prose", "[grade]") {
  CHECK(final_mathematics("first \\boxed{1}, then \\boxed{\\frac{1}{2}}.") == "\\frac{1}{2}");
  CHECK(final_mathematics("So\nThe answer is $x = 5$.") == "x = 5");
  CHECK(final_mathematics("we get **Answer:** \\(\\frac{3}{4}\\)") == "\\frac{3}{4}");
  CHECK(final_mathematics("Therefore there are 42 such strings.") == "42 such strings");
  CHECK(final_mathematics("hence the value is 3/4") == "3/4");
  CHECK(final_mathematics("#### 1,234") == "1,234");
  CHECK(final_mathematics("cut off in \\boxed{12") != "12}");
}

TEST_CASE("what cannot be read is told apart from what is wrong", "[grade]") {
  const auto grader = math_grader();
  CHECK(graded(*grader, "", "5").kind == Grade::Kind::ungradable);
  CHECK(graded(*grader, "\\boxed{1 + }", "5").kind == Grade::Kind::ungradable);
  CHECK(graded(*grader, "5", "\\boxed{\\frac{}}").kind == Grade::Kind::wrong);
  CHECK(graded(*grader, "5", "\\boxed{5}").reason == "'5' is, to the letter, '5'");
  CHECK(graded(*grader, "5", "\\boxed{6}").reason == "'6' does not equal '5'");
  CHECK_FALSE(parse_math(std::string(300, '(') + "1" + std::string(300, ')')));
  CHECK_FALSE(parse_math(std::string(5000, '1')));
}

}  // namespace retort
