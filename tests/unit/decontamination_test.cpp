// What of an evaluation set a text holds.
#include "core/curate/evaluation_index.h"
#include "tests/catch.h"
#include "tests/support/planted_texts.h"

namespace retort {
namespace {

const std::string kQuestion =
    "Natalia sold clips to 48 of her friends in April, and then she sold half as many clips in May. How many clips did "
    "Natalia sell altogether in April and May?";

TEST_CASE("a question is found whatever its case, spacing and surroundings", "[decontamination]") {
  const EvaluationIndex index({{"gsm8k", "7", kQuestion}, {"other", "1", "What is the capital of France?"}}, {});
  const auto found = index.find(
      "Solve this:\n\n**NATALIA sold clips to 48 of her friends, in April and then she sold\nhalf "
      "as many clips in May!** Think first.");
  REQUIRE(found);
  CHECK(found->set == "gsm8k");
  CHECK(found->id == "7");
  CHECK(found->item == 0);
  CHECK(found->matched ==
        "natalia sold clips to 48 of her friends in april and then she sold half as many clips in may");
  CHECK(found->words == 20);
  CHECK((found->share > 0.4 && found->share < 0.5));
  CHECK(index.items_not_indexed() == 1);  // six words
}

TEST_CASE("twelve words in common are not enough", "[decontamination]") {
  const EvaluationIndex index({{"gsm8k", "7", kQuestion}}, {});
  CHECK(!index.find("Natalia sold clips to 48 of her friends in April and then he left"));
  CHECK(index.find("Natalia sold clips to 48 of her friends in April and then she left"));
  CHECK(!index.find(""));
  CHECK(!EvaluationIndex({}, {}).find(kQuestion));
}

TEST_CASE("a short item matches as a whole", "[decontamination]") {
  const EvaluationIndex index({{"trivia", "a", "Who wrote the opera about the barber of Seville?"}}, {});
  const auto found = index.find("Tell me: who wrote the opera about the Barber of Seville");
  REQUIRE(found);
  CHECK(found->share == 1);
  CHECK(found->words == 9);
  CHECK(!index.find("who wrote the opera about the barber of Bagdad"));
  DecontaminationSettings longer;
  longer.words_short = 10;
  CHECK(EvaluationIndex({{"trivia", "a", "Who wrote the opera about the barber of Seville?"}}, longer)
            .items_not_indexed() == 1);
}

TEST_CASE("phrases of a whole set are no evidence", "[decontamination]") {
  std::vector<EvaluationItem> items;
  Prose prose(3);
  for (int i = 0; i < 30; ++i) {
    items.push_back({"quiz", std::to_string(i),
                     "Read the passage below with care and then answer the question that follows it: " +
                         written(prose.words(20), prose.random())});
  }
  const EvaluationIndex index(items, {});
  CHECK(!index.find("Read the passage below with care and then answer the question that follows it: what is this?"));
  CHECK(index.find(items[12].text)->id == "12");
}

TEST_CASE("a share can be asked for", "[decontamination]") {
  DecontaminationSettings settings;
  settings.share_min = 0.6;
  const EvaluationIndex index({{"gsm8k", "7", kQuestion}}, settings);
  CHECK(!index.find(kQuestion.substr(0, 95)));
  CHECK(index.find(kQuestion));
}

TEST_CASE("Chinese counts by the character", "[decontamination]") {
  const EvaluationIndex index({{"ceval", "1", "下列关于光合作用的说法中，正确的是哪一项？"}}, {});
  const auto found = index.find("请问：下列关于光合作用的说法中正确的是哪一项");
  REQUIRE(found);
  CHECK(found->share == 1);
}

TEST_CASE("planted contamination is found, and nothing else is", "[decontamination]") {
  Prose prose(21);
  std::vector<std::vector<std::string>> questions;
  std::vector<EvaluationItem> items;
  for (int i = 0; i < 2000; ++i) {
    questions.push_back(prose.words(static_cast<std::size_t>(prose.random().between(9, 80))));
    items.push_back({"set", std::to_string(i), written(questions.back(), prose.random())});
  }
  const EvaluationIndex index(items, {});
  int planted = 0, found_planted = 0, found_clean = 0;
  for (int i = 0; i < 4000; ++i) {
    auto words = prose.words(200);
    const auto item = static_cast<std::size_t>(prose.random().between(0, 1999));
    const bool plant = i % 4 == 0;
    if (plant) {
      words.insert(words.begin() + 50, questions[item].begin(), questions[item].end());
    } else if (i % 4 == 1) {  // a fragment that is too short to be evidence
      words.insert(words.begin() + 50, questions[item].begin(), questions[item].begin() + 7);
    }
    const auto found = index.find(written(words, prose.random()));
    planted += plant;
    found_planted += plant && found && found->item == item;
    found_clean += !plant && found;
  }
  CAPTURE(planted, found_planted, found_clean);
  CHECK(found_planted >= 0.99 * planted);
  CHECK(found_clean <= 0.001 * found_planted);
}

TEST_CASE("items of JSON lines, as their publishers write them", "[decontamination]") {
  const auto items = evaluation_items(
      "{\"question\": \"Why?\", \"answer\": \"so\", \"choices\": [\"a\", \"b\"]}\n\n"
      "{\"id\": \"x\", \"messages\": [{\"role\": \"user\", \"content\": \"Who?\"}]}\r\n"
      "{\"task_id\": 5, \"prompt\": \"def f():\"}",
      "mine");
  REQUIRE(items);
  REQUIRE(items->size() == 3);
  CHECK((*items)[0].text == "Why?\na\nb");
  CHECK((*items)[0].id == "1");
  CHECK((*items)[1].text == "Who?");
  CHECK((*items)[1].id == "x");
  CHECK((*items)[2].id == "5");
  CHECK((*evaluation_items("{\"q\": \"Why?\"}", "mine", {"q"}))[0].text == "Why?");
  CHECK(evaluation_items("{\"a\": 1}\n", "mine").error().message ==
        "evaluation set mine, line 1: no text in any of its fields; name the fields that hold the question");
  CHECK(evaluation_items("{\"q\": \"Why?\"}\n[]", "mine", {"q"}).error().message ==
        "evaluation set mine, line 2: no JSON object");
}

TEST_CASE("the digest changes with the items and the settings", "[decontamination]") {
  const EvaluationIndex index({{"a", "1", kQuestion}}, {});
  CHECK(index.digest() == EvaluationIndex({{"a", "1", kQuestion}}, {}).digest());
  CHECK(index.digest() != EvaluationIndex({{"a", "1", kQuestion + "!"}}, {}).digest());
  CHECK(index.digest() != EvaluationIndex({{"a", "1", kQuestion}}, {12, 8, 10, 0}).digest());
}

}  // namespace
}  // namespace retort
