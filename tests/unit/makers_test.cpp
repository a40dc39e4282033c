// The pure halves of the makers of prompts, and whose output a made prompt is.
#include <algorithm>

#include "core/curate/admission.h"
#include "core/curate/origins.h"
#include "core/prompt/make/evolve.h"
#include "core/prompt/make/item_list.h"
#include "core/prompt/make/magpie.h"
#include "core/prompt/make/novelty.h"
#include "core/prompt/make/self_instruct.h"
#include "core/prompt/make/topics.h"
#include "tests/catch.h"
#include "tests/support/memory_reader.h"

namespace retort {
namespace {

using Items = std::vector<std::string>;

TEST_CASE("lists are read as teachers write them", "[unit][makers]") {
  CHECK(read_items("Sure!\n\n1. One thing\n2) Another\n") == Items{"One thing", "Another"});
  CHECK(read_items("Task 9: Sort a list.\nTask 10: \"Say why.\"") == Items{"Sort a list.", "Say why."});
  CHECK(read_items("**Task 1:** Bold\n**2. Bolder**") == Items{"Bold", "Bolder"});
  CHECK(read_items("- a b\n- c d\n\nLet me know!") == Items{"a b", "c d"});
  CHECK(read_items("1. Compare:\n- x\n- y\n2. Next") == Items{"Compare:\n- x\n- y", "Next"});
  CHECK(read_items("1. First\n\nstill first\n\n2. Second\n\nGood luck!") == Items{"First\n\nstill first", "Second"});
  CHECK(read_items("I cannot help with that.").empty());
  CHECK(read_items("").empty());
  CHECK(read_items("3.14 is about pi").empty());
  CHECK(read_items("1.").empty());
}

TEST_CASE("ROUGE-L is the F measure of the longest common subsequence", "[unit][makers]") {
  CHECK(rouge_l("the cat sat", "the cat sat") == Approx(1));
  CHECK(rouge_l("police killed the gunman", "police kill the gunman") == Approx(0.75));  // Lin 2004, section 2.3
  CHECK(rouge_l("police killed the gunman", "the gunman kill police") == Approx(0.5));
  CHECK(rouge_l("A, b; C!", "a b c") == Approx(1));
  CHECK(rouge_l("", "") == Approx(0));
  NoveltyFilter filter(0.7);
  filter.add("Write a poem about the sea in winter");
  CHECK_FALSE(filter.is_new("Write a poem about the sea in summer"));
  CHECK(filter.is_new("Explain how a refrigerator works"));
  CHECK_FALSE(filter.is_new("?!"));
}

TEST_CASE("Self-Instruct shows six seeds and two made tasks, by chance that can be repeated", "[unit][makers]") {
  Random one(7), again(7);
  const auto chosen = choose_examples(20, 30, one);
  CHECK(chosen == choose_examples(20, 30, again));
  CHECK(chosen.size() == 8);
  CHECK(std::count_if(chosen.begin(), chosen.end(), [](std::size_t at) { return at >= 20; }) == 2);
  CHECK(choose_examples(3, 0, one).size() == 3);
  CHECK(choose_examples(20, 0, one).size() == 8);
  const std::string asked = json_text(self_instruct_messages({"Add 2 and 2."}, 4)[0], "content");
  CHECK(asked.find("Task 1: Add 2 and 2.") != std::string::npos);
  CHECK(asked.find("from Task 2 to Task 5") != std::string::npos);
  CHECK(why_no_task("Name three rivers of France.").empty());
  CHECK(why_no_task("Do it") == "too short");
  CHECK(why_no_task("Describe what is in this image, please.") == "wants more than text");
  CHECK(why_no_task("? what is this about") == "begins with punctuation");
}

TEST_CASE("an evolution is read, and eliminated by the rules of the paper", "[unit][makers]") {
  const std::string before = "How do birds fly?";
  CHECK(read_evolved("#Rewritten Prompt#:\n\"How do swifts fly?\"") == "How do swifts fly?");
  CHECK(read_evolved("New prompts are hard.") == "New prompts are hard.");
  CHECK(why_not_evolved(before, "How do swifts sleep while they fly?").empty());
  CHECK(why_not_evolved(before, "how do birds fly") == "it is what it was");
  CHECK(why_not_evolved(before, " …") != "");
  CHECK(why_not_evolved(before, "As in the given prompt, how do birds fly?") == "words of the question were copied");
  CHECK(why_not_evolved(before, "I'm sorry, but I can't do that") == "the teacher declined");
  CHECK(read_equality("Equal") == true);
  CHECK(read_equality("Not Equal.") == false);
  CHECK(read_equality("They are NOT EQUAL") == false);
  CHECK_FALSE(read_equality("Maybe").has_value());
  CHECK(why_unanswerable("Sorry, I do not know.") == "the answer is an apology");
  CHECK(why_unanswerable("…, the of!") == "the answer says nothing");
  CHECK(why_unanswerable("Sixteen.").empty());
  for (const Evolution one : all_evolutions()) {
    CHECK(evolution_of(evolution_word(one)) == one);
    CHECK(json_text(evolve_messages(one, before)[0], "content").ends_with(before));
  }
}

TEST_CASE("Magpie's text ends where the user's words begin", "[unit][makers]") {
  const CutTemplate* chatml = find_cut_template("chatml");
  REQUIRE(chatml != nullptr);
  CHECK(cut_text(*chatml, "") == "<|im_start|>user\n");
  CHECK(cut_text(*chatml, "Be brief.") == "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\n");
  CHECK(find_cut_template("none") == nullptr);
  CHECK(why_no_instruction(" What is a monad? ", true, {"<|im_end|>"}).empty());
  CHECK(why_no_instruction("What is a mo", false, {}) == "cut at the token limit");
  CHECK(why_no_instruction("What is it?<|im_end|>", true, {"<|im_end|>"}) == "a mark of the template is in it");
  CHECK(why_no_instruction(" ", true, {}) == "nothing was written");
}

TEST_CASE("topics and personas fill the question", "[unit][makers]") {
  CHECK(read_lines("# topics\nbees\n\n  rivers \n") == Items{"bees", "rivers"});
  const auto asked = topic_messages(std::string(kTopicTemplate), "bees", "a baker", 3);
  REQUIRE_OK(asked);
  const std::string text = json_text((*asked)[0], "content");
  CHECK(text.find("Write 3 ") == 0);
  CHECK(text.find("bees") != std::string::npos);
  CHECK(text.find("a baker") != std::string::npos);
  CHECK_FALSE(topic_messages("{{topic}} {{persona}}", "bees", "", 3));
  CHECK_FALSE(topic_messages("{{subject}}", "bees", "", 3));
}

Maker made(const std::string& text, RowId response, std::optional<bool> may, Items parents = {}) {
  Maker maker;
  maker.made = {prompt_text_digest(text), response, "evolve", {}};
  for (const std::string& parent : parents) maker.made.parents.push_back(prompt_text_digest(parent));
  maker.teacher = {"maker-" + std::to_string(response), "openai-chat", "http://127.0.0.1/v1", "m", ""};
  maker.rights = {"MIT", "", "", {"attribution"}, may};
  return maker;
}

TEST_CASE("the terms of whoever made a prompt, or what it was made from, count", "[unit][makers]") {
  MemoryReader reader;
  reader.pairs = {make_pair(1, "harder", "a"), make_pair(2, "mine", "b")};
  reader.makers = {made("harder", 11, true, {"hard", "plain"}), made("hard", 12, true, {"seed"}), made("seed", 13, {})};
  const auto makers = makers_of(reader, reader.pairs[0].messages, nullptr);
  REQUIRE_OK(makers);
  CHECK(makers->size() == 3);
  CHECK(makers_of(reader, reader.pairs[1].messages, nullptr)->empty());
  // With a system message and further turns around it, it is still known.
  const Json around = Json::array({{{"role", "system"}, {"content", "s"}}, {{"role", "user"}, {"content", "hard"}}});
  CHECK(makers_of(reader, around, nullptr)->size() == 2);

  const auto barred = admit(reader, {"export", {}});
  REQUIRE_FALSE(barred);
  CHECK(barred.error().code == Errc::terms);
  CHECK(barred.error().message.find("1 of 2 responses") != std::string::npos);
  CHECK(barred.error().message.find("maker-13") != std::string::npos);
  reader.makers[2].rights.outputs_may_train = true;
  const auto admitted = admit(reader, {"export", {}});
  REQUIRE_OK(admitted);
  CHECK(admitted->manifest["prompt_makers"].size() == 3);
  CHECK(admitted->manifest["terms"]["strictest"]["conditions"] == Json::array({"attribution"}));
}

TEST_CASE("a prompt made in another corpus brings its makers' terms with it", "[unit][makers]") {
  MemoryReader reader;
  reader.pairs = {make_pair(1, "Solve: harder", "a")};
  Json maker = {
      {"method", "evolve"}, {"teacher", "far"}, {"model", "m"}, {"terms", terms_json({"X", "", "", {}, false})}};
  reader.pairs[0].metadata = {{"made", {{"digest", "d"}, {"makers", {maker}}}}};
  CHECK(admit(reader, {"train", {}}).error().code == Errc::terms);
  maker["terms"]["outputs_may_train"] = true;
  reader.pairs[0].metadata = {{"made", {{"digest", "d"}, {"makers", {maker}}}}};
  REQUIRE_OK(admit(reader, {"train", {}}));
  // Somebody's own field of that name says nothing about makers.
  reader.pairs[0].metadata = {{"made", "in Italy"}};
  CHECK(makers_of(reader, reader.pairs[0].messages, reader.pairs[0].metadata)->empty());
}

}  // namespace
}  // namespace retort
