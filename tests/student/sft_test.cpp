// Twenty steps of fine-tuning against plain PyTorch, and what must not change a loss: packing, recomputing, cutting
// into parts. tests/references/student_reference.py makes the expectations.
#include <cmath>

#include "core/base/files.h"
#include "core/base/json.h"
#include "core/student/chunked_loss.h"
#include "core/student/trainer.h"
#include "core/student/weights.h"
#include "core/weights/safetensors.h"
#include "tests/student/support.h"

using namespace retort;

namespace {

const std::string kCheckpoints = RETORT_SOURCE_DIR "/tests/student/checkpoints/";

TrainSettings reference_settings(bool lora) {
  TrainSettings settings;
  settings.steps = 20;
  settings.batch_rows = 10;
  settings.learning_rate = 1e-2;
  settings.warm_up = 0.1;
  settings.learning_rate_floor = 0.1;
  if (lora) {
    settings.lora_rank = 4;
    settings.lora_alpha = 8;
    settings.lora_stabilised = true;
    settings.lora_targets = "q_proj,v_proj,down_proj";
  }
  return settings;
}

// As the reference begins: sines instead of random numbers.
void set_adapters(const Model& model) {
  at::NoGradGuard no_gradients;
  int start = 0;
  for (const NamedTensor& one : model.adapters()) {
    if (one.name.find("lora_A") == std::string::npos) continue;
    const at::Tensor count = at::arange(one.tensor.numel(), at::kFloat).add(start++);
    one.tensor.copy_(count.sin().mul(0.2).view(one.tensor.sizes()));
  }
}

std::vector<double> losses_of(const TrainSettings& settings, const Rows& rows, const Pretrained& base) {
  const Rows none;
  Trainer trainer(settings, base.config, rows, none, at::kCPU, &base.tensors);
  set_adapters(trainer.model());
  std::vector<double> losses;
  for (std::int64_t i = 0; i < trainer.steps_in_all(); ++i) {
    const auto report = trainer.step();
    REQUIRE_OK(report);
    losses.push_back(report->loss);
  }
  return losses;
}

double largest_difference(const std::vector<double>& a, const std::vector<double>& b) {
  REQUIRE(a.size() == b.size());
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) largest = std::max(largest, std::abs(a[i] - b[i]));
  return largest;
}

}  // namespace

TEST_CASE("twenty steps give the losses of plain PyTorch: full and LoRA, packed and not, whole and in parts") {
  const auto base = open_pretrained(kCheckpoints + "qwen2");
  REQUIRE_OK(base);
  const auto text = read_file(kCheckpoints + "losses.json");
  REQUIRE_OK(text);
  const Json expected = *parse_json(*text);
  const Rows rows = tiny_rows(10, 40);
  for (const bool lora : {false, true}) {
    const auto wanted = expected[lora ? "lora" : "full"].get<std::vector<double>>();
    for (const auto& [pack, parts] :
         {std::pair{false, 1}, std::pair{true, 1}, std::pair{false, 3}, std::pair{true, 2}}) {
      TrainSettings settings = reference_settings(lora);
      settings.pack = pack;
      settings.accumulate = parts;
      const double difference = largest_difference(losses_of(settings, rows, *base), wanted);
      INFO((lora ? "lora" : "full") << (pack ? " packed, parts " : ", parts ") << parts);
      CHECK(difference < 1e-4);
    }
  }
}

TEST_CASE("packing changes no sample's loss, and nothing is left out") {
  const auto base = open_pretrained(kCheckpoints + "llama");
  REQUIRE_OK(base);
  Model model(base->config, at::kCPU);
  load_weights(base->tensors, model);
  const Rows rows = tiny_rows(17, 40);
  std::vector<std::size_t> all(rows.size());
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
  const auto lines = pack_lines(rows, all, 32);
  CHECK(lines.size() < rows.size() / 2);
  std::vector<std::size_t> order;
  for (const auto& line : lines) {
    std::size_t tokens = 0;
    for (const std::size_t r : line) tokens += rows[r].tokens.size();
    CHECK(tokens <= 32);
    order.insert(order.end(), line.begin(), line.end());
  }
  const at::Tensor packed = loss_by_row(model, make_packed_batch(rows, lines, at::kCPU));
  const at::Tensor apart = loss_by_row(model, make_batch(rows, order, at::kCPU));
  CHECK((packed - apart).abs().max().item<double>() < 1e-4);
  std::sort(order.begin(), order.end());
  CHECK(order == all);
}

TEST_CASE("recomputed activations give gradients that are equal to the last bit") {
  const auto base = open_pretrained(kCheckpoints + "qwen3");
  REQUIRE_OK(base);
  const Rows rows = tiny_rows(6, 40);
  for (const std::int64_t rank : {0, 2}) {
    std::vector<at::Tensor> gradients;
    for (const bool recompute : {false, true}) {
      ModelOptions options;
      options.recompute = recompute;
      options.lora = {rank, 8, 0.25, false, lora_modules()};
      Model model(base->config, at::kCPU, options);
      load_weights(base->tensors, model);
      model.initialise_adapters(1);
      model.set_dropout_seed(5);
      loss_sum(model, make_batch(rows, std::vector<std::size_t>{0, 1, 2, 3, 4, 5}, at::kCPU)).backward();
      gradients.push_back(model.gradients().clone());
    }
    CHECK(gradients[0].abs().max().item<double>() > 0);
    CHECK(at::equal(gradients[0], gradients[1]));
  }
}

TEST_CASE("a chunk at a time gives the loss and the gradients of all logits at once") {
  const auto fresh = [](const at::Tensor& from) { return from.detach().clone().set_requires_grad(true); };
  const at::Tensor values = at::sin(at::arange(7 * 5, at::kFloat)).view({7, 5});
  const at::Tensor matrix = at::cos(at::arange(11 * 5, at::kFloat)).view({11, 5}), next = at::arange(7, at::kLong) + 2;
  at::Tensor h = fresh(values), w = fresh(matrix), h2 = fresh(values), w2 = fresh(matrix);
  const at::Tensor all = at::cross_entropy_loss(at::linear(h, w), next, {}, at::Reduction::Sum);
  all.mul(0.3).backward();
  const LossInput input{h2, w2, next, at::kFloat, 25};  // two targets a chunk
  const at::Tensor chunked = chunked_loss_sum(input);
  chunked.mul(0.3).backward();
  CHECK(std::abs((all - chunked).item<double>()) < 1e-5);
  CHECK((h.grad() - h2.grad()).abs().max().item<double>() < 1e-6);
  CHECK((w.grad() - w2.grad()).abs().max().item<double>() < 1e-6);
  CHECK(std::abs((chunked_losses(input).sum() - all).item<double>()) < 1e-5);
}

TEST_CASE("merged adapters compute what adapters beside the weights compute, and PEFT's file has them") {
  const auto base = open_pretrained(kCheckpoints + "qwen2");
  REQUIRE_OK(base);
  ModelOptions options;
  options.lora = {3, 6, 0, false, {"k_proj", "o_proj", "up_proj"}};
  Model model(base->config, at::kCPU, options);
  load_weights(base->tensors, model);
  at::NoGradGuard no_gradients;
  const at::Tensor tokens = at::tensor({4, 9, 3, 30, 12}, at::kLong).unsqueeze(0);
  model.initialise_adapters(3);
  Model plain(base->config, at::kCPU);
  load_weights(base->tensors, plain);
  CHECK((model.hidden(tokens) - plain.hidden(tokens)).abs().max().item<double>() < 1e-6);
  model.parameters().copy_(at::sin(at::arange(model.parameters().numel(), at::kFloat)).mul(0.1));
  TemporaryFolder folder;
  REQUIRE_OK(save_weights(folder.path, model, "some/base"));
  REQUIRE_OK(replace_file(folder.path + "/config.json", config_to_json(base->config)));
  const auto saved = open_pretrained(folder.path);
  REQUIRE_OK(saved);
  Model merged(saved->config, at::kCPU);
  load_weights(saved->tensors, merged);
  CHECK((model.hidden(tokens) - plain.hidden(tokens)).abs().max().item<double>() > 1e-2);
  CHECK((model.hidden(tokens) - merged.hidden(tokens)).abs().max().item<double>() < 1e-5);
  const auto file = MappedFile::open(folder.path + "/adapter/adapter_model.safetensors");
  REQUIRE_OK(file);
  const auto adapters = parse_safetensors((*file)->bytes());
  REQUIRE_OK(adapters);
  CHECK(adapters->size() == 2 * 3 * 2);
  CHECK(adapters->at("base_model.model.model.layers.1.self_attn.k_proj.lora_B.weight").shape ==
        std::vector<std::int64_t>{8, 3});
}

TEST_CASE("bf16 comes near fp32, in training and token by token") {
  const auto base = open_pretrained(kCheckpoints + "qwen3");
  REQUIRE_OK(base);
  const Rows rows = tiny_rows(4, 40);
  std::vector<double> losses;
  for (const at::ScalarType compute : {at::kFloat, at::kBFloat16}) {
    ModelOptions options;
    options.compute = compute;
    Model model(base->config, at::kCPU, options);
    load_weights(base->tensors, model);
    const at::Tensor loss = loss_sum(model, make_batch(rows, std::vector<std::size_t>{0, 1, 2, 3}, at::kCPU));
    loss.backward();
    CHECK(std::isfinite(model.gradients().norm().item<double>()));
    losses.push_back(loss.item<double>());
  }
  CHECK(std::abs(losses[0] - losses[1]) < 0.05 * losses[0]);
}

TEST_CASE("the rate of WSD rises, stays, and falls") {
  const Schedule wsd{1, 100, 10, 0.1, ScheduleKind::wsd, 0.2};
  CHECK(wsd.at_step(0) == 0.1);
  CHECK(wsd.at_step(10) == 1);
  CHECK(wsd.at_step(79) == 1);
  CHECK(std::abs(wsd.at_step(90) - 0.55) < 1e-9);
  CHECK(wsd.at_step(99) < 0.15);
}
