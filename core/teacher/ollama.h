// The dialect `ollama`: POST BASE/api/chat, Ollama's own chat with its stream of JSON lines.
#pragma once

#include <memory>

#include "core/teacher/teacher.h"

namespace retort {

std::unique_ptr<Teacher> make_ollama(TeacherSettings settings);

}  // namespace retort
