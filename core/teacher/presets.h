// Well-known servers: where they are, which dialect they speak, and where they depart from it. Never what their outputs
// may be used for: that is for the user to read, at the URL given here, and to state.
#pragma once

#include <string_view>
#include <vector>

#include "core/teacher/teacher.h"

namespace retort {

struct Preset {
  std::string_view name;       ///< the word for `preset = "…"`
  std::string_view dialect;    ///
  std::string_view base_url;   ///< empty: everybody has their own, so the profile must say it
  std::string_view terms_url;  ///< where the provider publishes its terms; empty for servers that one runs oneself
  void (*quirks)(TeacherSettings&) = nullptr;
  double batch_price_factor = 1;  ///< what its batches cost, of the usual price, as the provider publishes it
};

const std::vector<Preset>& presets();
/// Nothing if there is none of that name.
const Preset* find_preset(std::string_view name);

}  // namespace retort
