// The decoder against itself computed another way, and its gradients against finite differences.
#include <cmath>

#include "core/student/batch.h"
#include "core/student/functions.h"
#include "core/student/model.h"
#include "tests/student/support.h"

using namespace retort;

namespace {

at::Tensor tokens_of(const std::vector<std::vector<TokenId>>& rows, std::int64_t time) {
  const at::Tensor tokens = at::zeros({static_cast<std::int64_t>(rows.size()), time}, at::kLong);
  for (std::size_t r = 0; r < rows.size(); ++r) {
    for (std::size_t i = 0; i < rows[r].size(); ++i)
      tokens[static_cast<std::int64_t>(r)][static_cast<std::int64_t>(i)] = rows[r][i];
  }
  return tokens;
}

double difference(const at::Tensor& a, const at::Tensor& b) { return (a - b).abs().max().item<double>(); }

// RMSNorm, rotation and attention from their definitions, one number at a time, in double.
at::Tensor attention_by_hand(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v) {
  at::Tensor out = at::zeros_like(q);
  const std::int64_t group = q.size(1) / k.size(1);
  for (std::int64_t h = 0; h < q.size(1); ++h) {
    for (std::int64_t i = 0; i < q.size(2); ++i) {
      at::Tensor weights = at::zeros({i + 1}, q.options());
      for (std::int64_t j = 0; j <= i; ++j)
        weights[j] = (q[0][h][i] * k[0][h / group][j]).sum() / std::sqrt(static_cast<double>(q.size(3)));
      weights = weights.exp() / weights.exp().sum();
      for (std::int64_t j = 0; j <= i; ++j) out[0][h][i] += weights[j] * v[0][h / group][j];
    }
  }
  return out;
}

}  // namespace

TEST_CASE("the operations are what their papers say") {
  const at::Tensor x = at::linspace(-2, 3, 24, at::kDouble).view({2, 3, 4});
  const at::Tensor weight = at::tensor({1.0, 0.5, 2.0, -1.0}, at::kDouble);
  for (std::int64_t i = 0; i < 2; ++i) {
    const at::Tensor row = x[i][1];
    const at::Tensor wanted = row / ((row * row).sum() / 4 + 1e-5).sqrt() * weight;
    CHECK(difference(rms_norm(x, weight, 1e-5)[i][1], wanted) < 1e-12);
  }
  const at::Tensor gate = x.narrow(-1, 0, 2), up = x.narrow(-1, 2, 2);
  CHECK(difference(swiglu(x), gate / (1 + (-gate).exp()) * up) < 1e-12);

  const at::Tensor angle = at::full({1, 3, 1, 2}, 0.3, at::kDouble);
  const at::Tensor turned = rotate(x.view({1, 3, 2, 4}), angle.cos(), angle.sin());
  const at::Tensor pair = x.view({1, 3, 2, 4})[0][1][1];
  CHECK(std::abs(turned[0][1][1][0].item<double>() -
                 (pair[0] * std::cos(0.3) - pair[2] * std::sin(0.3)).item<double>()) < 1e-12);
  CHECK(std::abs(turned[0][1][1][2].item<double>() -
                 (pair[2] * std::cos(0.3) + pair[0] * std::sin(0.3)).item<double>()) < 1e-12);

  const at::Tensor q = at::sin(at::arange(1 * 4 * 5 * 4, at::kDouble)).view({1, 4, 5, 4});
  const at::Tensor k = at::cos(at::arange(1 * 2 * 5 * 4, at::kDouble)).view({1, 2, 5, 4});
  const at::Tensor v = at::sin(at::arange(1 * 2 * 5 * 4, at::kDouble) * 2).view({1, 2, 5, 4});
  CHECK(difference(causal_attention(q, k, v), attention_by_hand(q, k, v)) < 1e-12);
}

TEST_CASE("our gradients of the operations are those of libtorch's own") {
  const auto fresh = [](const at::Tensor& from) { return from.detach().clone().set_requires_grad(true); };
  const at::Tensor values = at::sin(at::arange(48, at::kDouble)).view({2, 3, 8}),
                   weights = at::cos(at::arange(8, at::kDouble));
  const at::Tensor pull = at::cos(at::arange(48, at::kDouble) * 3).view({2, 3, 8});
  at::Tensor x = fresh(values), w = fresh(weights), x2 = fresh(values), w2 = fresh(weights);
  (rms_norm(x, w, 1e-5) * pull).sum().backward();
  (x2 * (x2.square().mean(-1, true) + 1e-5).rsqrt() * w2 * pull).sum().backward();
  CHECK(difference(x.grad(), x2.grad()) < 1e-12);
  CHECK(difference(w.grad(), w2.grad()) < 1e-12);

  at::Tensor g = fresh(values), g2 = fresh(values);
  (swiglu(g) * pull.narrow(-1, 0, 4)).sum().backward();
  (at::silu(g2.narrow(-1, 0, 4)) * g2.narrow(-1, 4, 4) * pull.narrow(-1, 0, 4)).sum().backward();
  CHECK(difference(g.grad(), g2.grad()) < 1e-12);

  const at::Tensor angle = at::arange(6, at::kDouble).view({1, 3, 1, 2});
  at::Tensor r = fresh(values.view({2, 3, 2, 4})), r2 = fresh(values.view({2, 3, 2, 4}));
  (rotate(r, angle.cos(), angle.sin()) * pull.view({2, 3, 2, 4})).sum().backward();
  const at::Tensor a = r2.narrow(-1, 0, 2), b = r2.narrow(-1, 2, 2);
  (at::cat({a * angle.cos() - b * angle.sin(), b * angle.cos() + a * angle.sin()}, -1) * pull.view({2, 3, 2, 4}))
      .sum()
      .backward();
  CHECK(difference(r.grad(), r2.grad()) < 1e-12);
}

TEST_CASE("the loss's gradient is its slope") {
  Model model(tiny_config(), at::kCPU);
  model.initialise(3);
  const Rows rows = tiny_rows(3);
  const Batch batch = make_batch(rows, std::vector<std::size_t>{0, 1, 2}, at::kCPU);
  loss_sum(model, batch).backward();
  at::NoGradGuard no_gradients;
  const at::Tensor gradient = model.gradients().clone();
  // Along a direction rather than in one coordinate: fp32 leaves too few digits for the smallest of them.
  for (int seed = 1; seed <= 5; ++seed) {
    const at::Tensor direction =
        at::sin(at::arange(model.parameters().numel(), at::kFloat) * (0.7 * seed)) * gradient.abs().add(1e-3);
    const double expected = (gradient * direction).sum().item<double>();
    const double step = 0.01 / direction.norm().item<double>();
    model.parameters().add_(direction, step);
    const double above = loss_sum(model, batch).item<double>();
    model.parameters().add_(direction, -2 * step);
    const double below = loss_sum(model, batch).item<double>();
    model.parameters().add_(direction, step);
    const double slope = (above - below) / (2 * step);
    INFO("seed " << seed << " slope " << slope << " gradient " << expected);
    CHECK(std::abs(slope - expected) < 0.01 * gradient.norm().item<double>() * direction.norm().item<double>());
    CHECK(std::abs(expected) > 0);
  }
}

TEST_CASE("reading token by token equals reading at once, for rows of different lengths") {
  for (const bool tied : {true, false}) {
    ModelConfig config = tiny_config();
    config.tied = tied;
    Model model(config, at::kCPU);
    model.initialise(5);
    at::NoGradGuard no_gradients;
    const std::vector<std::vector<TokenId>> rows{{1, 2, 3, 4, 5, 6, 7}, {9, 8}, {4, 4, 4, 20}};
    const std::vector<TokenId> more{11, 12, 13};
    KvCache cache = model.make_cache(3, 16);
    const at::Tensor counts = at::tensor({7, 2, 4}, at::kLong);
    at::Tensor together = model.hidden(tokens_of(rows, 7), counts, cache);
    for (std::size_t r = 0; r < rows.size(); ++r) {
      std::vector<TokenId> row = rows[r];
      const auto length = static_cast<std::int64_t>(row.size());
      const at::Tensor alone = model.hidden(tokens_of({row}, length));
      CHECK(difference(together[static_cast<std::int64_t>(r)].narrow(0, 0, length), alone[0]) < 1e-5);
    }
    for (std::size_t i = 0; i < more.size(); ++i) {
      together = model.hidden(at::full({3, 1}, more[i], at::kLong), at::ones({3}, at::kLong), cache);
      for (std::size_t r = 0; r < rows.size(); ++r) {
        std::vector<TokenId> row = rows[r];
        row.insert(row.end(), more.begin(), more.begin() + static_cast<std::ptrdiff_t>(i) + 1);
        const at::Tensor alone = model.hidden(tokens_of({row}, static_cast<std::int64_t>(row.size())));
        CHECK(difference(together[static_cast<std::int64_t>(r)][0], alone[0][-1]) < 1e-5);
      }
    }
  }
}

TEST_CASE("a token sees nothing that comes after it, and padding changes nothing") {
  Model model(tiny_config(), at::kCPU);
  model.initialise(6);
  at::NoGradGuard no_gradients;
  const at::Tensor a = model.hidden(tokens_of({{1, 2, 3, 4}}, 4)), b = model.hidden(tokens_of({{1, 2, 9, 9, 9}}, 5));
  CHECK(difference(a[0].narrow(0, 0, 2), b[0].narrow(0, 0, 2)) < 1e-6);
  CHECK(difference(a[0][2], b[0][2]) > 1e-3);
}

TEST_CASE("parameters are counted, named and initialised as documented") {
  for (const bool tied : {true, false}) {
    ModelConfig config = tiny_config();
    config.tied = tied;
    Model a(config, at::kCPU), b(config, at::kCPU), c(config, at::kCPU);
    a.initialise(1);
    b.initialise(1);
    c.initialise(2);
    CHECK(at::equal(a.parameters(), b.parameters()));
    CHECK_FALSE(at::equal(a.parameters(), c.parameters()));
    std::int64_t counted = 0;
    for (const NamedTensor& named : a.named()) counted += named.tensor.numel();
    CHECK(counted == config.parameters());
    CHECK(a.named().size() == 2 + 9 * 2 + (tied ? 0U : 1U));
  }
  CHECK(parse_student("new:micro")->width == 128);
  CHECK(parse_student("new:micro,layers=6,kv_heads=2")->layers == 6);
  CHECK(parse_student("new:d=64,layers=1,heads=2,ff=96,tied=0")->feed_forward == 96);
  for (const char* wrong : {"", "new:", "new:huge", "micro", "new:d=0", "new:d=65,heads=5",
                            "new:heads=3,kv_heads=2,d=96", "new:d=1e3", "new:layers=-1", "new:micro,nano"}) {
    INFO(wrong);
    CHECK_FALSE(parse_student(wrong).has_value());
  }
}

TEST_CASE("config.json comes back, and what is not computed is refused") {
  const ModelConfig config = tiny_config();
  const std::string text = config_to_json(config);
  const auto again = config_from_json(text);
  REQUIRE_OK(again);
  CHECK(*again == config);
  const auto changed = [&](const char* key, Json value) {
    Json json = *parse_json(text);
    json[key] = std::move(value);
    return config_from_json(json.dump());
  };
  CHECK_FALSE(changed("model_type", "mamba").has_value());
  CHECK(changed("attention_bias", true)->qkv_bias);
  CHECK(changed("eos_token_id", {3, 4})->other_end_tokens == std::vector<std::int64_t>{4});
  CHECK_FALSE(changed("rope_scaling", {{"rope_type", "llama3"}}).has_value());
  CHECK_FALSE(changed("rope_scaling", {{"type", "longrope"}, {"factor", 2}}).has_value());
  CHECK(changed("rope_scaling", {{"type", "linear"}, {"factor", 2}})->rope.factor == 2);
  CHECK_FALSE(changed("use_sliding_window", true).has_value());
  CHECK_FALSE(changed("quantization_config", {{"bits", 4}}).has_value());
  CHECK_FALSE(changed("num_key_value_heads", 3).has_value());
  CHECK_FALSE(changed("hidden_size", -16).has_value());
  CHECK_FALSE(changed("hidden_size", 1e30).has_value());
  CHECK_FALSE(changed("eos_token_id", 99).has_value());
  CHECK(changed("rope_parameters", {{"rope_type", "default"}, {"rope_theta", 5e5}})->rope_theta == 5e5);
  CHECK_FALSE(changed("rms_norm_eps", "1e-5").has_value());
  CHECK(changed("head_dim", Json())->head_width == config.head_width);
  CHECK_FALSE(config_from_json("[]").has_value());
}
