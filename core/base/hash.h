#pragma once

#include <string>
#include <string_view>

namespace retort {

/// SHA-256 as 64 lower-case hexadecimal digits: the identity of requests, prompts and views.
std::string sha256_hex(std::string_view bytes);

}  // namespace retort
