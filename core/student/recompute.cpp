#include "core/student/recompute.h"

namespace retort {
namespace {

using Layer = std::function<at::Tensor(const at::Tensor&)>;

// Custom functions keep plain values by name; this holds a std::function for them.
struct HeldLayer : torch::CustomClassHolder {
  explicit HeldLayer(Layer held) : layer(std::move(held)) {}
  Layer layer;
};

struct Recompute : torch::autograd::Function<Recompute> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x, const at::Tensor&,
                            const c10::intrusive_ptr<HeldLayer>& held) {
    context->save_for_backward({x});
    context->saved_data["layer"] = c10::IValue::make_capsule(held);
    context->saved_data["x_learns"] = x.requires_grad();
    return held->layer(x);
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradients) {
    const auto held = c10::static_intrusive_pointer_cast<HeldLayer>(context->saved_data["layer"].toCapsule());
    at::AutoGradMode with_gradients(true);
    at::Tensor x = context->get_saved_variables()[0].detach();
    x.set_requires_grad(true);
    const at::Tensor y = held->layer(x);
    torch::autograd::backward({y}, {gradients[0]});
    const bool x_learns = context->saved_data["x_learns"].toBool();
    return {x_learns ? x.grad() : at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

}  // namespace

at::Tensor recomputed(const Layer& layer, const at::Tensor& x, const at::Tensor& anchor) {
  return Recompute::apply(x, anchor, c10::make_intrusive<HeldLayer>(layer));
}

}  // namespace retort
