// pass@k, votes and differences, against figures worked out elsewhere.
#include "core/grade/sampled.h"

#include <vector>

#include "tests/catch.h"

using namespace retort;

TEST_CASE("pass@k is the unbiased estimate of Chen et al.") {
  // 1 - C(n-c, k) / C(n, k)
  CHECK(pass_at_k(10, 3, 1) == Approx(0.3));
  CHECK(pass_at_k(10, 3, 5) == Approx(1 - 21.0 / 252));
  CHECK(pass_at_k(200, 7, 100) == Approx(0.99299112).epsilon(1e-6));
  CHECK(pass_at_k(5, 0, 5) == 0);
  CHECK(pass_at_k(5, 1, 5) == 1);
  CHECK(pass_at_k(4, 4, 1) == 1);
}

TEST_CASE("a majority is of those who said something") {
  CHECK(majority(std::vector<std::string>{"7"}) == 0);
  CHECK(majority(std::vector<std::string>{"7", "8", "8", "7", "8"}) == 1);
  CHECK(majority(std::vector<std::string>{"", "", "", "4", "5"}) == 3);
  CHECK(majority(std::vector<std::string>{"", ""}) == 0);
  CHECK(majority(std::vector<std::string>{"2", "1", "1", "2"}) == 0);
}

TEST_CASE("the mean over problems has Student's interval") {
  const std::vector<double> scores{0, 0.5, 1, 0.5, 0.75, 0.25};
  const Estimate estimate = mean_of_problems(scores);
  CHECK(estimate.mean == Approx(0.5));
  CHECK(estimate.interval.low == Approx(0.5 - 2.5706 * 0.35355339 / 2.4494897).epsilon(0.01));
  CHECK(estimate.interval.high == Approx(0.5 + 2.5706 * 0.35355339 / 2.4494897).epsilon(0.01));
  const Estimate all_right = mean_of_problems(std::vector<double>{1, 1, 1, 1});
  CHECK(all_right.interval.low < 0.6);
  CHECK(all_right.interval.high == 1);
}

TEST_CASE("a paired difference leaves out how hard the problems are") {
  std::vector<double> before, after;
  for (int i = 0; i < 100; ++i) {
    before.push_back(i % 2);
    after.push_back(i % 10 == 0 ? 1 : i % 2);  // ten problems more
  }
  const PairedDifference better = paired_difference(before, after);
  CHECK(better.problems == 100);
  CHECK(better.better == 10);
  CHECK(better.worse == 0);
  CHECK(better.difference.mean == Approx(0.1));
  CHECK(better.difference.interval.low == Approx(0.1 - 1.9842 * 0.30151134 / 10).epsilon(0.01));
  const PairedDifference same = paired_difference(before, before);
  CHECK(same.difference.mean == 0);
  CHECK(same.difference.interval.low == Approx(-0.03));
  CHECK(same.difference.interval.high == Approx(0.03));
}
