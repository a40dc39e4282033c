// The dialect `openai-completions`: POST BASE/completions, text that goes on, for base models. They know no roles.
#pragma once

#include <memory>

#include "core/teacher/teacher.h"

namespace retort {

std::unique_ptr<Teacher> make_openai_completions(TeacherSettings settings);

}  // namespace retort
