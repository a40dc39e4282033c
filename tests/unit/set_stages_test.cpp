// Stages that choose among many: how many of a prompt, how hard, how evenly, how much in all, and what was said before.
#include <map>

#include "core/curate/pipeline/stages.h"
#include "tests/catch.h"

namespace retort {
namespace {

/// Words that no other number has, so that nothing is like anything else by accident.
std::string words(int from, int count = 40) {
  std::string text;
  for (int i = from; i < from + count; ++i) text += "w" + std::to_string(i * 7919) + " ";
  return text;
}

struct Question {
  RowId prompt;
  std::int64_t tokens;
  std::string answer;
  std::string topic = {};
  PromptTally tally = {};
};

/// The positions that a stage of these options leaves.
std::vector<int> left_by(const Json& options, const std::vector<Question>& questions, int threads = 2) {
  auto made = make_stage(options, {});
  REQUIRE(made);
  const auto& stage = std::get<std::unique_ptr<SetStage>>(*made);
  std::vector<std::string> sketches, contents;
  for (const Question& one : questions) {
    Pair pair;
    pair.messages = Json::array({{{"role", "user"}, {"content", "question " + std::to_string(one.prompt)}}});
    pair.answer.text = one.answer;
    pair.metadata = {{"topic", one.topic}};
    sketches.push_back(stage->sketch(pair));
    contents.push_back(std::string(62, '0') + std::to_string(10 + (contents.size() * 7) % 60));
  }
  std::vector<Member> members;
  for (std::size_t i = 0; i < questions.size(); ++i) {
    members.push_back({static_cast<RowId>(i + 1), questions[i].prompt, questions[i].tokens, contents[i], sketches[i],
                       questions[i].tally});
  }
  std::vector<char> gone(members.size(), 0);
  for (const SetDrop& drop : stage->choose(members, threads)) {
    CHECK_FALSE(drop.reason.empty());
    REQUIRE(gone[drop.position] == 0);
    gone[drop.position] = 1;
  }
  std::vector<int> left;
  for (std::size_t i = 0; i < gone.size(); ++i) {
    if (gone[i] == 0) left.push_back(static_cast<int>(i));
  }
  return left;
}

using Left = std::vector<int>;

std::string refusal_of(const Json& options) {
  auto made = make_stage(options, {});
  REQUIRE_FALSE(made);
  CHECK(made.error().code == Errc::usage);
  return made.error().message;
}

const std::vector<Question> kQuestions = {{1, 30, "a"}, {1, 10, "b"}, {2, 20, "c"},
                                          {1, 20, "d"}, {2, 20, "e"}, {3, 5, "f"}};

}  // namespace

TEST_CASE("at most so many of a prompt, by what is preferred", "[curate][sets]") {
  const auto left = [](int max, const char* prefer) {
    return left_by({{"stage", "per_prompt"}, {"max", max}, {"prefer", prefer}}, kQuestions);
  };
  CHECK(left(1, "first") == Left{0, 2, 5});
  CHECK(left(1, "shortest") == Left{1, 2, 5});
  CHECK(left(2, "longest") == Left{0, 2, 3, 4, 5});
  CHECK(left(9, "shortest").size() == 6);
  CHECK(left_by({{"stage", "per_prompt"}, {"max", 3}}, {}).empty());
  CHECK(refusal_of({{"stage", "per_prompt"}, {"max", 0}}).find("'max' must be at least 1") != std::string::npos);
  CHECK(refusal_of({{"stage", "per_prompt"}, {"prefer", "best"}}).find("\"diverse\"") != std::string::npos);
}

TEST_CASE("the most diverse of a prompt are those least like each other", "[curate][sets]") {
  // 0 and 1 are nearly alike, 2 shares half with them, 3 nothing; 4 is of another prompt.
  const std::vector<Question> questions = {{1, 1, words(0)},
                                           {1, 1, words(0) + "more"},
                                           {1, 1, words(0, 20) + words(100, 20)},
                                           {1, 1, words(200)},
                                           {2, 1, words(0)}};
  const auto left = [&](int max) {
    return left_by({{"stage", "per_prompt"}, {"max", max}, {"prefer", "diverse"}}, questions);
  };
  CHECK(left(1) == Left{0, 4});
  CHECK(left(2) == Left{0, 3, 4});
  CHECK(left(3) == Left{0, 2, 3, 4});
  CHECK(left(4).size() == 5);
  const std::vector<Question> alike(5, {1, 1, words(0)});
  CHECK(left_by({{"stage", "per_prompt"}, {"max", 2}, {"prefer", "diverse"}}, alike) == Left{0, 1});
}

TEST_CASE("the same again is found whatever its case and spacing", "[curate][sets]") {
  const std::vector<Question> questions = {{1, 1, "The answer is 4."},  {1, 1, "the  answer\nis 4. "},
                                           {1, 1, "The answer is -4."}, {2, 1, "The answer is 4."},
                                           {1, 1, "The answer is 4."},  {1, 1, "The answer is 4"}};
  CHECK(left_by({{"stage", "duplicates"}}, questions) == Left{0, 2, 3, 5});
  CHECK(left_by({{"stage", "duplicates"}, {"within_prompt", true}}, questions) == Left{0, 2, 3, 5});
}

TEST_CASE("of what is nearly the same, the one stays that is preferred", "[curate][sets]") {
  const std::vector<Question> questions = {
      {1, 40, words(0)}, {1, 30, words(0) + "and more"}, {1, 50, words(0) + "again"}, {1, 9, words(300)}};
  const auto left = [&](const char* keep) {
    return left_by({{"stage", "near_duplicates"}, {"keep", keep}}, questions);
  };
  CHECK(left("first") == Left{0, 3});
  CHECK(left("shortest") == Left{1, 3});
  CHECK(left("longest") == Left{2, 3});
  CHECK(left_by({{"stage", "near_duplicates"}, {"threshold", 1}}, questions).size() == 4);
  CHECK(refusal_of({{"stage", "near_duplicates"}, {"keep", "best"}}).find("'keep' is") != std::string::npos);
  CHECK(refusal_of({{"stage", "near_duplicates"}, {"threshold", 0.1}}).find("0.3 to 1") != std::string::npos);

  std::vector<Question> two = {{1, 1, words(0)}, {2, 1, words(0)}, {2, 1, words(0)}};
  CHECK(left_by({{"stage", "near_duplicates"}}, two) == Left{0});
  CHECK(left_by({{"stage", "near_duplicates"}, {"within_prompt", true}}, two) == Left{0, 1});
}

TEST_CASE("prompts stay whose pass rate lies in a band; what was never graded has none", "[curate][sets]") {
  const std::vector<Question> questions = {
      {1, 1, "a", "", {0, 4}}, {2, 1, "b", "", {1, 3}}, {3, 1, "c", "", {4, 0}}, {4, 1, "d"}};
  CHECK(left_by({{"stage", "difficulty"}, {"min", 0.1}, {"max", 0.9}}, questions) == Left{1});
  CHECK(left_by({{"stage", "difficulty"}, {"max", 0.9}}, questions) == Left{0, 1});
  CHECK(left_by({{"stage", "difficulty"}, {"min", 0.25}}, questions) == Left{1, 2});
}

TEST_CASE("no value of a field has more than so many times the rarest", "[curate][sets]") {
  std::vector<Question> questions;
  for (int i = 0; i < 12; ++i) questions.push_back({i, 1, "a", i < 8 ? "math" : i < 10 ? "code" : "law"});
  const auto counts = [&](double times) {
    std::map<std::string, int> found;
    for (const int i : left_by({{"stage", "balance"}, {"field", "topic"}, {"times", times}}, questions))
      ++found[questions[static_cast<std::size_t>(i)].topic];
    return found;
  };
  CHECK(counts(1) == std::map<std::string, int>{{"math", 2}, {"code", 2}, {"law", 2}});
  CHECK(counts(3) == std::map<std::string, int>{{"math", 6}, {"code", 2}, {"law", 2}});
  CHECK(refusal_of({{"stage", "balance"}}).find("'field' is missing") != std::string::npos);

  // A field that nobody has would balance nothing, and say so nowhere.
  const auto obstacle = [](const char* field) {
    const auto made = make_stage({{"stage", "balance"}, {"field", field}}, {});
    REQUIRE(made);
    const auto& stage = std::get<std::unique_ptr<SetStage>>(*made);
    Pair with, without;
    with.metadata = {{"topic", "law"}};
    const std::string sketches[] = {stage->sketch(with), stage->sketch(without)};
    const std::vector<Member> members = {{1, 1, 1, {}, sketches[0], {}}, {2, 2, 1, {}, sketches[1], {}}};
    CHECK(stage->obstacle({}).empty());
    return stage->obstacle(members);
  };
  CHECK(obstacle("topic").empty());
  CHECK(obstacle("topik") == "no pair has the metadata field 'topik'");
}

TEST_CASE("a budget is kept, and a larger one holds what a smaller one held", "[curate][sets]") {
  Left before;
  for (const std::int64_t tokens : {0, 40, 60, 80, 105}) {
    const Left left = left_by({{"stage", "budget"}, {"tokens", tokens}}, kQuestions);
    std::int64_t sum = 0;
    for (const int i : left) sum += kQuestions[static_cast<std::size_t>(i)].tokens;
    CHECK(sum <= tokens);
    for (const int i : before) CHECK(std::count(left.begin(), left.end(), i) == 1);
    before = left;
  }
  CHECK(before.size() == 6);
  CHECK(left_by({{"stage", "budget"}, {"pairs", 2}}, kQuestions).size() == 2);
}

}  // namespace retort
