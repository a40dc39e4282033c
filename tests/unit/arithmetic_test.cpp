// The embedded teacher must be right always: it is the ground truth of the demo and of many tests.
#include "core/serve/arithmetic.h"

#include <set>
#include <unordered_set>

#include "core/base/random.h"
#include "core/serve/arithmetic_prompts.h"
#include "tests/catch.h"

namespace retort {
namespace {

std::string ask(const std::string& problem) { return answer_arithmetic(problem, 0).answer; }

TEST_CASE("sums and differences of small numbers are right, every one", "[arithmetic]") {
  int wrong = 0;
  for (int a = 0; a <= 120; ++a) {
    for (int b = 0; b <= 120; ++b) {
      const std::string x = std::to_string(a);
      const std::string y = std::to_string(b);
      wrong += ask("What is " + x + " + " + y + "?") != std::to_string(a + b);
      wrong += ask("What is " + x + " - " + y + "?") != std::to_string(a - b);
      wrong += ask("Which is larger, " + x + " or " + y + "?") != std::to_string(std::max(a, b));
      wrong += ask("Which is smaller, " + x + " or " + y + "?") != std::to_string(std::min(a, b));
    }
  }
  CHECK(wrong == 0);
}

TEST_CASE("numbers of up to 18 digits are computed exactly", "[arithmetic]") {
  Random random(7);
  for (int i = 0; i < 5000; ++i) {
    std::int64_t limit = 1;
    for (std::int64_t digits = random.between(1, 18); digits > 0; --digits) limit *= 10;
    const std::int64_t a = random.between(0, limit - 1);
    const std::int64_t b = random.between(0, limit - 1);
    const std::string x = std::to_string(a);
    const std::string y = std::to_string(b);
    REQUIRE(ask(x + " plus " + y) == std::to_string(a + b));
    REQUIRE(ask("Subtract " + y + " from " + x + ".") == std::to_string(a - b));
  }
  CHECK(ask("999,999,999,999,999,999 + 999999999999999999") == "1999999999999999998");
  CHECK(ask("1,000 \xE2\x88\x92 1") == "999");
  CHECK(ask("007 + 05") == "12");
  CHECK(ask("1,234,567 + 71") == "1234638");
  CHECK(ask("12,345,678 - 1_000_000") == "11345678");
  CHECK(ask("Which is larger, 4,82 or 471?") == ask("Hello!"));  // three numbers, or none of that kind
  CHECK(ask("Add 1234,567") == "1801");
}

TEST_CASE("the steps show every column, and a seed chooses only the wording", "[arithmetic]") {
  const ArithmeticAnswer sum = answer_arithmetic("What is 482 + 71?", 0);
  CHECK(sum.reasoning == "482+071\n2+1+0=3 carry 0\n8+7+0=15 carry 1\n4+0+1=5");
  CHECK(sum.answer == "553");
  CHECK(answer_arithmetic("What is 712 - 85?", 0).reasoning == "712-085\n2-5+10=7 borrow 1\n1-9+10=2 borrow 1\n7-1=6");
  CHECK(answer_arithmetic("What is 85 - 712?", 0).reasoning.starts_with("085-712 below 0\n712-085\n"));
  CHECK(answer_arithmetic("Which is larger, 482 or 471?", 0).reasoning == "482,471\n4,4=\n8,7>\n2,1>\nlarger first");
  CHECK(answer_arithmetic("Which is larger, 82 or 471?", 0).reasoning == "082,471\n0,4<\n8,7<\n2,1<\nlarger second");
  CHECK(answer_arithmetic("Which is smaller, 82 or 471?", 0).reasoning == "082,471\n0,4<\n8,7<\n2,1<\nsmaller first");
  CHECK(answer_arithmetic("What is 1000 - 999?", 0).reasoning ==
        "1000-0999\n0-9+10=1 borrow 1\n0-10+10=0 borrow 1\n0-10+10=0 borrow 1\n1-1=0");
  std::set<std::string> wordings;
  for (std::uint64_t seed = 0; seed < 9; ++seed) {
    const ArithmeticAnswer answer = answer_arithmetic("What is 482 + 71?", seed);
    CHECK(answer.answer == "553");
    wordings.insert(answer.reasoning);
  }
  CHECK(wordings.size() == 3);
}

TEST_CASE("stories are read by what they ask", "[arithmetic]") {
  CHECK(ask("Mia has 482 pens and buys 71 more. How many pens does Mia have now?") == "553");
  CHECK(ask("Mia has 482 pens and gives 71 to Ben. How many pens are left?") == "411");
  CHECK(ask("Mia has 71 pens and Ben gives her 482 more. How many has she now?") == "553");
  CHECK(ask("Mia and Ben share a total of 482 pens. Mia takes 71. How many does Ben get?") == "411");
  CHECK(ask("Mia has 71 pens and Ben has 482. How many more does Ben have?") == "411");
  CHECK(ask("A shop sold 482 books on Monday and 71 on Sunday. How many is that altogether?") == "553");
}

TEST_CASE("what is no such problem gets an honest answer", "[arithmetic]") {
  for (const char* problem :
       {"", "Hello!", "What is 2 * 3?", "What is 1.5 + 2?", "What is -3 + 4?", "1 + 2 + 3", "What is 7?",
        "What is 1234567890123456789 + 1?", "3 pens each for 4 children. How many in total?", "x2 + 3",
        "Tell me about 1066 and 1492.", "\xff\xfe 1 \x00 2", "12 - -5", "50% + 3"}) {
    CAPTURE(problem);
    const ArithmeticAnswer answer = answer_arithmetic(problem, 0);
    CHECK_FALSE(answer.understood);
    CHECK(answer.reasoning.empty());
    CHECK(answer.answer.find("only do arithmetic") != std::string::npos);
  }
}

TEST_CASE("the teacher answers every prompt that is made for it", "[arithmetic][prompts]") {
  for (const PromptSplit split : {PromptSplit::train, PromptSplit::held_out}) {
    int wrong = 0;
    for (const ArithmeticPrompt& prompt : make_arithmetic_prompts({.count = 20000, .seed = 3, .split = split})) {
      const ArithmeticAnswer answer = answer_arithmetic(prompt.content, 0);
      wrong += !answer.understood || answer.answer != prompt.reference;
      if (wrong == 1) INFO(prompt.content + " -> " + answer.answer);
    }
    CHECK(wrong == 0);
  }
}

TEST_CASE("no held-out operand occurs in a training prompt", "[prompts]") {
  std::unordered_set<std::int64_t> learned;
  for (const std::uint64_t seed : {0, 1, 2}) {
    for (const auto& prompt : make_arithmetic_prompts({.count = 8000, .seed = seed})) {
      learned.insert(prompt.operands.begin(), prompt.operands.end());
    }
  }
  std::unordered_set<std::string> texts;
  for (const auto& prompt : make_arithmetic_prompts({.count = 2000, .seed = 1, .split = PromptSplit::held_out})) {
    for (const std::int64_t operand : prompt.operands) {
      REQUIRE_FALSE(learned.contains(operand));
      REQUIRE(prompt.content.find(std::to_string(operand)) != std::string::npos);
    }
    texts.insert(prompt.content);
  }
  CHECK(texts.size() == 2000);
}

TEST_CASE("prompts are deterministic, distinct, and balanced over the families", "[prompts]") {
  const auto prompts = make_arithmetic_prompts({.count = 8000, .seed = 5});
  const auto again = make_arithmetic_prompts({.count = 4000, .seed = 5});
  std::unordered_set<std::string> texts;
  std::array<int, kProblemFamilies.size()> per_family{};
  std::array<int, 5> per_length{};
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    if (i < again.size()) REQUIRE(again[i].content == prompts[i].content);
    texts.insert(prompts[i].content);
    ++per_family[static_cast<std::size_t>(prompts[i].family)];
    for (const std::int64_t operand : prompts[i].operands) ++per_length[std::to_string(operand).size()];
    REQUIRE(prompts[i].reference.front() != '-');
  }
  CHECK(texts.size() == prompts.size());
  for (const int count : per_family) CHECK(count == 2000);
  for (const int digits : {1, 2, 3, 4}) CHECK(per_length[static_cast<std::size_t>(digits)] > 500);
  CHECK(make_arithmetic_prompts({.count = 1, .seed = 6}).front().content != prompts.front().content);
  for (const ProblemFamily family : kProblemFamilies) CHECK(family_named(family_name(family)) == family);
  CHECK_FALSE(family_named("division"));
}

TEST_CASE("a prompt's row is what a harvest reads", "[prompts]") {
  const ArithmeticPrompt prompt{"What is 1 + 2?", "3", ProblemFamily::sum, {1, 2}};
  CHECK(dump_json(prompt_row(prompt)) ==
        R"({"family":"sum","messages":[{"content":"What is 1 + 2?","role":"user"}],"reference":"3"})");
}

}  // namespace
}  // namespace retort
