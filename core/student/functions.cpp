#include "core/student/functions.h"

#include <cmath>

namespace retort {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

struct RmsNorm : Function<RmsNorm> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight, double epsilon) {
    const at::Tensor scale = x.square().mean(-1, true).add_(epsilon).rsqrt_();
    context->save_for_backward({x, weight, scale});
    return x.mul(scale).mul_(weight);
  }
  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const at::Tensor &x = saved[0], &weight = saved[1], &scale = saved[2], &dy = gradients[0];
    const at::Tensor normed = x.mul(scale);
    const at::Tensor dy_normed = dy.mul(normed);
    const at::Tensor d_weight = dy_normed.flatten(0, -2).sum(0);
    const at::Tensor along = dy_normed.matmul(weight).div_(static_cast<double>(x.size(-1))).unsqueeze(-1);
    const at::Tensor dx = dy.mul(weight).addcmul_(normed, along, -1).mul_(scale);
    return {dx, d_weight, at::Tensor()};
  }
};

struct Swiglu : Function<Swiglu> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& gate_up) {
    context->save_for_backward({gate_up});
    const auto halves = gate_up.chunk(2, -1);
    return at::silu(halves[0]).mul_(halves[1]);
  }
  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const at::Tensor gate_up = context->get_saved_variables()[0];
    const auto halves = gate_up.chunk(2, -1);
    const at::Tensor &gate = halves[0], &up = halves[1], &dy = gradients[0];
    at::Tensor out = at::empty_like(gate_up);
    auto parts = out.chunk(2, -1);
    const at::Tensor sigmoid = gate.sigmoid();
    const at::Tensor silu = gate.mul(sigmoid);
    at::mul_out(parts[1], dy, silu);
    // silu' = sigmoid + silu·(1 - sigmoid)
    const at::Tensor slope = silu.neg().mul_(sigmoid).add_(silu).add_(sigmoid);
    at::mul_out(parts[0], slope.mul_(up), dy);
    return {out};
  }
};

at::Tensor rotated(const at::Tensor& x, const at::Tensor& cos, const at::Tensor& sin) {
  const auto halves = x.chunk(2, -1);
  at::Tensor y = at::empty(x.sizes(), x.options());
  auto out = y.chunk(2, -1);
  at::mul_out(out[0], halves[0], cos).addcmul_(halves[1], sin, -1);
  at::mul_out(out[1], halves[1], cos).addcmul_(halves[0], sin);
  return y;
}

struct Rotate : Function<Rotate> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& cos,
                            const at::Tensor& sin) {
    context->save_for_backward({cos, sin});
    return rotated(x, cos, sin);
  }
  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto saved = context->get_saved_variables();
    return {rotated(gradients[0], saved[0], saved[1].neg()), at::Tensor(), at::Tensor()};
  }
};

at::Tensor grouped(const at::Tensor& shared, std::int64_t heads) {
  return shared.size(1) == heads ? shared : shared.repeat_interleave(heads / shared.size(1), 1);
}

at::Tensor attend(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const at::Tensor& hidden) {
  const double scale = 1 / std::sqrt(static_cast<double>(q.size(-1)));
  const at::Tensor scores = at::matmul(q.mul(scale), grouped(k, q.size(1)).transpose(-2, -1));
  return at::matmul(scores.masked_fill_(hidden, -INFINITY).softmax(-1), grouped(v, q.size(1)));
}

}  // namespace

at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& weight, double epsilon) {
  return RmsNorm::apply(x, weight, epsilon);
}
at::Tensor swiglu(const at::Tensor& gate_up) { return Swiglu::apply(gate_up); }
at::Tensor rotate(const at::Tensor& x, const at::Tensor& cos, const at::Tensor& sin) {
  return Rotate::apply(x, cos, sin);
}

at::Tensor causal_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v) {
  const at::Tensor hidden = at::ones({q.size(2), k.size(2)}, q.options().dtype(at::kBool)).triu_(1);
  return attend(q, k, v, hidden);
}

at::Tensor masked_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const at::Tensor& visible) {
  return attend(q, k, v, visible.logical_not());
}

}  // namespace retort
