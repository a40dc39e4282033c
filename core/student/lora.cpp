#include "core/student/lora.h"

namespace retort {
namespace {

at::Tensor cast(const at::Tensor& tensor, at::ScalarType type) {
  return tensor.scalar_type() == type ? tensor : tensor.to(type);
}

at::Tensor dropped(const at::Tensor& x, double part, std::uint64_t seed) {
  at::Generator generator = at::make_generator<at::CPUGeneratorImpl>(seed);
  const at::Tensor kept = at::empty(x.sizes(), at::kFloat).bernoulli_(1 - part, generator).div_(1 - part);
  return x * kept.to(x.options());
}

}  // namespace

at::Tensor apply_linear(const at::Tensor& x, const Linear& linear, at::ScalarType compute, const LoraSettings& lora,
                        std::optional<std::uint64_t> dropout_seed) {
  const at::Tensor in = cast(x, compute), weight = cast(linear.weight, compute);
  const at::Tensor out =
      linear.bias.defined() ? at::linear(in, weight, cast(linear.bias, compute)) : at::linear(in, weight);
  if (linear.adapters.empty()) return out;
  std::vector<at::Tensor> parts;
  std::int64_t covered = 0;
  const auto fill_to = [&](std::int64_t row) {
    if (row == covered) return;
    std::vector<std::int64_t> shape = out.sizes().vec();
    shape.back() = row - covered;
    parts.push_back(at::zeros(shape, out.options()));
  };
  for (const Linear::Adapter& adapter : linear.adapters) {
    fill_to(adapter.begin);
    const bool drops = lora.dropout > 0 && dropout_seed.has_value();
    const at::Tensor seen =
        drops ? dropped(in, lora.dropout, *dropout_seed + static_cast<std::uint64_t>(adapter.begin)) : in;
    parts.push_back(at::linear(at::linear(seen, cast(adapter.a, compute)), cast(adapter.b, compute)).mul(lora.scale()));
    covered = adapter.begin + adapter.rows;
  }
  fill_to(out.size(-1));
  return out + at::cat(parts, -1);
}

}  // namespace retort
