#include "core/teacher/presets.h"

#include <algorithm>

namespace retort {
namespace {
constexpr double kHalfPrice = 0.5;
}

const std::vector<Preset>& presets() {
  static const std::vector<Preset> all = {
      {"openai", "openai-chat", "https://api.openai.com/v1", "https://openai.com/policies/",
       // Its reasoning models refuse max_tokens; all its models take the newer name.
       [](TeacherSettings& s) { s.max_tokens_name = "max_completion_tokens"; }, kHalfPrice},
      {"openai-responses", "openai-responses", "https://api.openai.com/v1", "https://openai.com/policies/", nullptr,
       kHalfPrice},
      {"azure-openai", "openai-chat", "", "https://www.microsoft.com/licensing/terms/",
       // base_url = "https://RESOURCE.openai.azure.com/openai/v1", model = the deployment
       [](TeacherSettings& s) {
         s.max_tokens_name = "max_completion_tokens";
         s.credential_name = "api-key";
       },
       kHalfPrice},
      {"anthropic", "anthropic", "https://api.anthropic.com", "https://www.anthropic.com/legal/commercial-terms",
       // Its page of prices: writing into the five-minute cache costs 1.25 times the price of input.
       [](TeacherSettings& s) { s.cache_write_factor = 1.25; }, kHalfPrice},
      {"gemini", "gemini", "https://generativelanguage.googleapis.com/v1beta",
       "https://ai.google.dev/gemini-api/terms"},
      {"deepseek", "openai-chat", "https://api.deepseek.com",
       "https://cdn.deepseek.com/policies/en-US/deepseek-open-platform-terms-of-service.html",
       [](TeacherSettings& s) { s.choices_max = 1; }},
      {"mistral", "openai-chat", "https://api.mistral.ai/v1", "https://mistral.ai/terms",
       // It refuses fields that it does not know, and sends the usage of a stream unasked.
       [](TeacherSettings& s) {
         s.seed_name = "random_seed";
         s.asks_stream_usage = false;
       }},
      {"groq", "openai-chat", "https://api.groq.com/openai/v1", "https://groq.com/terms-of-use",
       [](TeacherSettings& s) {
         s.max_tokens_name = "max_completion_tokens";
         s.choices_max = 1;
       },
       kHalfPrice},
      {"together", "openai-chat", "https://api.together.xyz/v1", "https://www.together.ai/terms-of-service", nullptr,
       kHalfPrice},
      {"openrouter", "openai-chat", "https://openrouter.ai/api/v1", "https://openrouter.ai/terms",
       [](TeacherSettings& s) {
         s.reasoning_object = true;
         s.choices_max = 1;
       }},
      {"vllm", "openai-chat", "http://127.0.0.1:8000/v1", ""},
      {"sglang", "openai-chat", "http://127.0.0.1:30000/v1", ""},
      {"llama.cpp", "openai-chat", "http://127.0.0.1:8080/v1", ""},
      {"ollama", "ollama", "http://127.0.0.1:11434", ""},
  };
  return all;
}

const Preset* find_preset(std::string_view name) {
  const auto found =
      std::find_if(presets().begin(), presets().end(), [&](const Preset& preset) { return preset.name == name; });
  return found == presets().end() ? nullptr : &*found;
}

}  // namespace retort
