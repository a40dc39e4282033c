// Images in prompts: parts that name a file become the data of that file where the prompt is read, so that the prompt's
// digest covers its bytes and a dialect finds every image in one form.
#pragma once

#include <string>
#include <string_view>

#include "core/base/json.h"
#include "core/base/result.h"

namespace retort {

constexpr std::size_t kImageBytesMax = 20u << 20;  ///< of one file; providers take 5 to 20 MiB

/// Whether some message has a part {type: "image"}.
bool has_image_parts(const Json& messages);

/// {type: "image", path} becomes {type: "image_url", image_url: {url: "data:image/png;base64,…"}}, and {type: "image",
/// url} the same with its https URL. `folder` is where relative paths begin. Errc::usage for a file that cannot be
/// read, is too large, or is no PNG, JPEG, GIF or WebP by its first bytes.
Result<Json> read_images(Json messages, const std::string& folder);

/// "image/png" by the first bytes of a file; empty for anything that not every API takes.
std::string_view image_type(std::string_view bytes);

std::string base64(std::string_view bytes);

}  // namespace retort
