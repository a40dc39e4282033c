// The dialect `anthropic`: POST BASE/v1/messages, Anthropic's Messages API.
#pragma once

#include <memory>

#include "core/teacher/teacher.h"

namespace retort {

std::unique_ptr<Teacher> make_anthropic(TeacherSettings settings);

}  // namespace retort
