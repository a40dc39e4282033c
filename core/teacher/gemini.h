// The dialect `gemini`: POST BASE/models/MODEL:generateContent, Google's Gemini API.
#pragma once

#include <memory>

#include "core/teacher/teacher.h"

namespace retort {

std::unique_ptr<Teacher> make_gemini(TeacherSettings settings);

}  // namespace retort
