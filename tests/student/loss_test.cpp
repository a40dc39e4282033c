// What is learned, and how much each token weighs.
#include <cmath>
#include <limits>

#include "core/student/batch.h"
#include "core/student/optimizer.h"
#include "core/student/trainer.h"
#include "tests/student/support.h"

using namespace retort;

namespace {

TrainSettings small_settings() {
  TrainSettings settings;
  settings.steps = 12;
  settings.batch_rows = 4;
  settings.learning_rate = 1e-2;
  return settings;
}

}  // namespace

TEST_CASE("the loss covers the completion only, each token predicted from those before it") {
  Rows rows;
  rows.add(1, {{3, 7, 9, 22}, 2});        // learned: 9 after 3 7, and 22 after 3 7 9
  rows.add(2, {{5, 1, 2, 4, 8, 22}, 5});  // learned: 22 alone
  const std::vector<std::size_t> both{0, 1};
  const Batch batch = make_batch(rows, both, at::kCPU);
  CHECK(batch.tokens.sizes() == at::IntArrayRef({2, 5}));
  CHECK(at::equal(batch.places, at::tensor({1, 2, 9}, at::kLong)));
  CHECK(at::equal(batch.next, at::tensor({9, 22, 22}, at::kLong)));

  Model model(tiny_config(), at::kCPU);
  model.initialise(1);
  at::NoGradGuard no_gradients;
  const auto minus_log = [&](const std::vector<std::int64_t>& before, std::int64_t next) {
    const at::Tensor hidden = model.hidden(at::tensor(before, at::kLong).unsqueeze(0))[0][-1];
    return -model.logits(hidden.unsqueeze(0)).log_softmax(-1)[0][next].item<double>();
  };
  const double first = minus_log({3, 7}, 9) + minus_log({3, 7, 9}, 22), second = minus_log({5, 1, 2, 4, 8}, 22);
  CHECK(std::abs(loss_sum(model, batch).item<double>() - first - second) < 1e-4);
  const at::Tensor by_row = loss_by_row(model, batch);
  CHECK(std::abs(by_row[0].item<double>() - first) < 1e-4);
  CHECK(std::abs(by_row[1].item<double>() - second) < 1e-4);
}

TEST_CASE("a batch cut into parts is the same step") {
  const Rows rows = tiny_rows(10), none;
  TrainSettings whole = small_settings(), cut = small_settings();
  cut.accumulate = 3;
  Trainer a(whole, tiny_config(), rows, none, at::kCPU), b(cut, tiny_config(), rows, none, at::kCPU);
  for (int i = 0; i < 6; ++i) {
    const auto x = a.step(), y = b.step();
    REQUIRE_OK(x);
    REQUIRE_OK(y);
    CHECK(x->targets == y->targets);
    CHECK(std::abs(x->loss - y->loss) < 2e-4);
    CHECK(std::abs(x->gradient_norm - y->gradient_norm) < 1e-3 * (1 + x->gradient_norm));
  }
}

TEST_CASE("the step's loss is the mean over all its learned tokens") {
  const Rows rows = tiny_rows(4), none;
  TrainSettings settings = small_settings();
  settings.accumulate = 2;
  Trainer trainer(settings, tiny_config(), rows, none, at::kCPU);
  const std::vector<std::size_t> all{0, 1, 2, 3};
  const double sum = loss_sum(trainer.model(), make_batch(rows, all, at::kCPU)).item<double>();
  const auto report = trainer.step();
  REQUIRE_OK(report);
  CHECK(report->targets == static_cast<std::int64_t>(rows.targets()));
  CHECK(std::abs(report->loss - sum / static_cast<double>(rows.targets())) < 1e-5);
}

TEST_CASE("AdamW follows its formula, clips by the whole norm, and decays matrices only") {
  ModelConfig config = tiny_config();
  Model model(config, at::kCPU);
  model.initialise(2);
  AdamW optimizer(model, {0.9, 0.99, 1e-8, 0.5, 1.0});
  const at::Tensor before = model.parameters().clone();
  const at::Tensor gradient = at::sin(at::arange(before.numel(), at::kFloat)) * 3;
  model.gradients().copy_(gradient);
  const double norm = optimizer.step(0.01);
  CHECK(std::abs(norm - gradient.norm().item<double>()) < 1e-3);
  const at::Tensor clipped = gradient / norm;
  // After one step the corrected moments are g and g², so that the move is lr·g/(|g| + epsilon).
  at::Tensor wanted = before.clone();
  wanted.narrow(0, 0, model.decayed()).mul_(1 - 0.01 * 0.5);
  wanted -= 0.01 * clipped / (clipped.abs() + 1e-8);
  CHECK((model.parameters() - wanted).abs().max().item<double>() < 1e-5);
  CHECK(model.gradients().abs().max().item<double>() == 0);
  CHECK(model.decayed() > 0);
  CHECK(model.decayed() < before.numel());
  // The embedding comes behind what decays.
  CHECK(before.numel() - model.decayed() >= config.vocabulary * config.width);
}

TEST_CASE("the schedule warms up, peaks and ends at its floor") {
  const Schedule schedule{2.0, 100, 10, 0.1};
  CHECK(std::abs(schedule.at_step(0) - 0.2) < 1e-12);
  CHECK(std::abs(schedule.at_step(9) - 2.0) < 1e-12);
  CHECK(std::abs(schedule.at_step(10) - 2.0) < 1e-12);
  CHECK(std::abs(schedule.at_step(55) - 1.1) < 1e-12);
  CHECK(std::abs(schedule.at_step(100) - 0.2) < 1e-12);
  CHECK(std::abs(schedule.at_step(1000) - 0.2) < 1e-12);
}

TEST_CASE("a number that is not finite stops the run, changes nothing and names the row") {
  const Rows rows = tiny_rows(4), none;
  Trainer trainer(small_settings(), tiny_config(), rows, none, at::kCPU);
  REQUIRE_OK(trainer.step());
  // Token 0 stands in some rows only: a broken embedding breaks the loss of those.
  for (const NamedTensor& named : trainer.model().named()) {
    at::NoGradGuard no_gradients;
    if (named.name == "model.embed_tokens.weight") named.tensor[0].fill_(std::numeric_limits<float>::quiet_NaN());
  }
  const at::Tensor before = trainer.model().parameters().clone();
  const auto report = trainer.step();
  REQUIRE_FALSE(report.has_value());
  INFO(report.error().message);
  CHECK(report.error().message.find("step 2") != std::string::npos);
  CHECK(report.error().message.find("response 10") != std::string::npos);
  CHECK(at::allclose(before, trainer.model().parameters(), 0, 0, true));
}

TEST_CASE("order is a pure function of seed and epoch, every row comes once, lengths keep together") {
  const Rows rows = tiny_rows(500);
  const auto batches = epoch_batches(rows, 8, 1, 0);
  CHECK(batches == epoch_batches(rows, 8, 1, 0));
  CHECK(batches != epoch_batches(rows, 8, 1, 1));
  CHECK(batches != epoch_batches(rows, 8, 2, 0));
  std::vector<int> seen(rows.size(), 0);
  std::size_t padded = 0;
  for (const auto& batch : batches) {
    std::size_t longest = 0;
    for (const std::size_t r : batch) {
      ++seen[r];
      longest = std::max(longest, rows[r].tokens.size());
    }
    padded += longest * batch.size();
  }
  CHECK(std::count(seen.begin(), seen.end(), 1) == 500);
  CHECK(static_cast<double>(padded) < 1.1 * static_cast<double>(rows.tokens()));
  CHECK(tiny_rows(5).digest() != tiny_rows(6).digest());
}
