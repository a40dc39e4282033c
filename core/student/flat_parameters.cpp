#include "core/student/flat_parameters.h"

namespace retort {
namespace {

constexpr std::int64_t kAlignment = 16;  // floats: one cache line

std::int64_t count_of_shape(const std::vector<std::int64_t>& shape) {
  std::int64_t count = 1;
  for (const std::int64_t size : shape) count *= size;
  return count;
}
std::int64_t aligned(std::int64_t count) { return (count + kAlignment - 1) / kAlignment * kAlignment; }

}  // namespace

FlatParameters FlatParameters::allocate(const std::vector<Place>& places, at::Device device, bool learned) {
  FlatParameters flat;
  std::int64_t total = 0;
  for (const Place& place : places) {
    total += aligned(count_of_shape(place.shape));
    if (place.decays) flat.decayed = total;
  }
  flat.values = at::zeros({total}, at::TensorOptions().dtype(at::kFloat).device(device));
  if (learned) flat.gradients = at::zeros_like(flat.values);
  std::int64_t begin = 0;
  for (const Place& place : places) {
    const std::int64_t count = count_of_shape(place.shape);
    const auto view = [&](const at::Tensor& whole) { return whole.narrow(0, begin, count).view(place.shape).detach(); };
    *place.tensor = view(flat.values);
    if (learned) {
      place.tensor->set_requires_grad(true);
      place.tensor->mutable_grad() = view(flat.gradients);
    }
    begin += aligned(count);
  }
  return flat;
}

}  // namespace retort
