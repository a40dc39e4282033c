// Answers: many prompts at once as each alone, draws that repeat, and what bounds them.
#include "core/student/generate.h"

#include <algorithm>

#include "tests/student/small_training.h"

using namespace retort;

TEST_CASE("many prompts at once are answered as each alone, and draws repeat") {
  TemporaryFolder folder;
  Host host;
  REQUIRE(train(host, folder.path + "/run", quick(60)).status == RETORT_STATUS_OK);
  const auto run = load_run(folder.path + "/run", at::kCPU);
  REQUIRE_OK(run);
  std::vector<Json> prompts;
  for (int i = 0; i < 20; ++i) {
    prompts.push_back(Json::array({{{"role", "user"},
                                    {"content", "What is " + std::string(static_cast<std::size_t>(i % 5), ' ') +
                                                    std::to_string(i * 37) + " + 1?"}}}));
  }
  const auto never = [] { return false; };
  const auto same = [](const std::vector<Generated>& a, const std::vector<Generated>& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Generated& x, const Generated& y) {
      return x.completion.text == y.completion.text && x.completion.reasoning == y.completion.reasoning &&
             x.ended == y.ended && x.tokens == y.tokens;
    });
  };
  const GenerateSettings together{.tokens_max = 24};
  const auto all = generate(*run, prompts, together, never);
  REQUIRE_OK(all);
  for (const std::int64_t rows : {1, 3}) {
    GenerateSettings few = together;
    few.batch_rows = rows;
    CHECK(same(*all, *generate(*run, prompts, few, never)));
  }
  GenerateSettings drawn{.tokens_max = 24, .temperature = 1.5, .top_p = 0.9, .seed = 4};
  const auto first = generate(*run, prompts, drawn, never);
  drawn.batch_rows = 4;
  CHECK(same(*first, *generate(*run, prompts, drawn, never)));
  CHECK_FALSE(same(*first, *all));
  drawn.seed = 5;
  CHECK_FALSE(same(*first, *generate(*run, prompts, drawn, never)));
  GenerateSettings nearly_greedy{.tokens_max = 24, .temperature = 1, .top_p = 1e-9};
  CHECK(same(*all, *generate(*run, prompts, nearly_greedy, never)));
  for (const Generated& one : *all) CHECK(one.tokens <= 24);
  CHECK(generate(*run, prompts, together, [] { return true; }).error().code == Errc::interrupted);
  const Json endless = Json::array({{{"role", "user"}, {"content", std::string(5000, '1')}}});
  // What cannot be asked is told in its place, and holds up nobody.
  const auto mixed = generate(*run, {prompts[0], endless, Json::array(), prompts[1]}, together, never);
  REQUIRE_OK(mixed);
  CHECK((*mixed)[0].completion.text == (*all)[0].completion.text);
  CHECK((*mixed)[3].completion.text == (*all)[1].completion.text);
  CHECK((*mixed)[0].problem.empty());
  CHECK((*mixed)[1].problem.find("fills the student's context of") != std::string::npos);
  CHECK_FALSE((*mixed)[2].problem.empty());
  CHECK_FALSE((*mixed)[1].ended);
}

TEST_CASE("top-k and min-p leave only likely tokens, and an answer ends before a stop text") {
  TemporaryFolder folder;
  Host host;
  REQUIRE(train(host, folder.path + "/run", quick(20)).status == RETORT_STATUS_OK);
  const auto run = load_run(folder.path + "/run", at::kCPU);
  REQUIRE_OK(run);
  std::vector<Json> prompts;
  for (int i = 0; i < 12; ++i)
    prompts.push_back(Json::array({{{"role", "user"}, {"content", "What is " + std::to_string(i * i * i) + "?"}}}));
  const auto texts = [&](const GenerateSettings& settings) {
    const auto answers = generate(*run, prompts, settings, [] { return false; });
    REQUIRE_OK(answers);
    std::vector<std::string> all;
    for (const Generated& one : *answers) all.push_back(one.completion.reasoning + "|" + one.completion.text);
    return all;
  };
  const auto greedy = texts({.tokens_max = 20}), free = texts({.tokens_max = 20, .temperature = 3});
  CHECK(texts({.tokens_max = 20, .temperature = 3, .top_k = 1}) == greedy);
  CHECK(texts({.tokens_max = 20, .temperature = 3, .min_p = 1}) == greedy);
  CHECK(free != greedy);
  const auto few = texts({.tokens_max = 20, .temperature = 3, .top_k = 2});
  CHECK(few != greedy);
  CHECK(few != free);
  CHECK(texts({.tokens_max = 20, .temperature = 3, .min_p = 1e-12}) == free);

  // Among many prompts only those stop that write the text: a sign that some of them write.
  const auto writers = [&](char sign) {
    return std::count_if(free.begin(), free.end(), [&](const std::string& one) { return one.find(sign) != one.npos; });
  };
  const std::string signs = "0123456789+abcdefghijklmnopqrstuvwxyz";
  const auto some = std::find_if(signs.begin(), signs.end(), [&](char c) { return writers(c) > 2 && writers(c) < 10; });
  REQUIRE(some != signs.end());
  GenerateSettings settings{.tokens_max = 20, .temperature = 3, .stop = {"no such text", std::string(1, *some)}};
  const auto cut = generate(*run, prompts, settings, [] { return false; });
  REQUIRE_OK(cut);
  int stopped = 0;
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    const std::string whole = free[i], made = (*cut)[i].completion.reasoning + "|" + (*cut)[i].completion.text;
    const std::size_t found = whole.find(*some);
    CAPTURE(whole, made);
    CHECK(made.find(*some) == std::string::npos);
    if (found == std::string::npos) {
      CHECK(made == whole);
    } else {
      ++stopped;
      CHECK((*cut)[i].ended);
      CHECK(made.substr(0, found) == whole.substr(0, found));
      CHECK(made.size() <= found + 1);  // the bar
    }
  }
  CHECK(stopped == writers(*some));
}
