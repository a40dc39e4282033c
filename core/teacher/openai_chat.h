// The dialect `openai-chat`: POST BASE/chat/completions, as OpenAI, DeepSeek, Mistral, vLLM, SGLang, llama.cpp,
// Ollama and most others speak it.
#pragma once

#include <memory>

#include "core/teacher/teacher.h"

namespace retort {

std::unique_ptr<Teacher> make_openai_chat(TeacherSettings settings);

}  // namespace retort
