// What is said when there is not enough memory, and how it is known: torch has no error of its own for it on a CPU.
#pragma once

#include <cstdint>
#include <exception>
#include <string>

namespace retort {

/// Is it this that was thrown?
bool is_out_of_memory(const std::exception& error);
/// What to lower. `state_bytes`: what weights, gradients and moments of a training take whatever is lowered; 0: unknown.
std::string out_of_memory(std::int64_t state_bytes = 0);

/// Of fp32: every parameter; of what is learned the gradient and both moments of AdamW, and with adapters its copy.
std::int64_t state_bytes(std::int64_t parameters, std::int64_t learned, bool adapters);

}  // namespace retort
