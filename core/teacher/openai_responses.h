// The dialect `openai-responses`: POST BASE/responses, OpenAI's newer API.
#pragma once

#include <memory>

#include "core/teacher/teacher.h"

namespace retort {

std::unique_ptr<Teacher> make_openai_responses(TeacherSettings settings);

}  // namespace retort
