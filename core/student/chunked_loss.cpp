#include "core/student/chunked_loss.h"

#include <algorithm>

namespace retort {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct Chunk {
  std::int64_t begin, size;
};

at::Tensor cast(const at::Tensor& tensor, at::ScalarType type) {
  return tensor.scalar_type() == type ? tensor : tensor.to(type);
}

template <class Use>
void each_chunk(const LossInput& input, Use&& use) {
  const std::int64_t targets = input.next.size(0);
  const std::int64_t step = std::max<std::int64_t>(1, input.logits_at_once / input.head.size(0));
  for (std::int64_t begin = 0; begin < targets; begin += step) use(Chunk{begin, std::min(step, targets - begin)});
}

struct ChunkedLoss : torch::autograd::Function<ChunkedLoss> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& hidden, const at::Tensor& head,
                            const LossInput& input, bool learns) {
    const at::Tensor matrix = cast(head, input.compute);
    const bool head_learns = learns && head.requires_grad();
    at::Tensor d_hidden, d_head;
    if (learns) d_hidden = at::empty_like(hidden);
    if (head_learns) d_head = at::zeros_like(head);
    double total = 0;
    each_chunk(input, [&](Chunk chunk) {
      const at::Tensor h = cast(hidden.narrow(0, chunk.begin, chunk.size), input.compute);
      const at::Tensor next = input.next.narrow(0, chunk.begin, chunk.size).unsqueeze(1);
      at::Tensor scores = cast(at::linear(h, matrix), at::kFloat);
      const at::Tensor log_sum = scores.logsumexp(-1, true);
      total += log_sum.sub(scores.gather(1, next)).sum().item<double>();
      if (!learns) return;
      at::Tensor slope = scores.sub_(log_sum).exp_();  // softmax - one hot
      slope.scatter_add_(1, next, at::full({chunk.size, 1}, -1, slope.options()));
      slope = cast(slope, input.compute);
      d_hidden.narrow(0, chunk.begin, chunk.size).copy_(slope.matmul(matrix));
      if (!head_learns) return;
      if (input.compute == at::kFloat)
        d_head.addmm_(slope.t(), h);
      else
        d_head.add_(slope.t().matmul(h));
    });
    context->save_for_backward({d_hidden, d_head});
    return at::full({}, total, hidden.options());
  }
  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const auto scaled = [&](const at::Tensor& slope) { return slope.defined() ? slope.mul(gradients[0]) : slope; };
    return {scaled(saved[0]), scaled(saved[1]), at::Tensor(), at::Tensor()};
  }
};

}  // namespace

at::Tensor chunked_loss_sum(const LossInput& input) {
  const bool learns = at::GradMode::is_enabled() && (input.hidden.requires_grad() || input.head.requires_grad());
  return ChunkedLoss::apply(input.hidden, input.head, input, learns);
}

at::Tensor chunked_losses(const LossInput& input) {
  at::NoGradGuard no_gradients;
  std::vector<at::Tensor> all;
  each_chunk(input, [&](Chunk chunk) {
    const at::Tensor h = cast(input.hidden.narrow(0, chunk.begin, chunk.size), input.compute);
    const at::Tensor scores = cast(at::linear(h, cast(input.head, input.compute)), at::kFloat);
    all.push_back(
        at::cross_entropy_loss(scores, input.next.narrow(0, chunk.begin, chunk.size), {}, at::Reduction::None));
  });
  return all.empty() ? at::zeros({0}, input.hidden.options()) : at::cat(all);
}

}  // namespace retort
