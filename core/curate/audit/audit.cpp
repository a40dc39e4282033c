#include "core/curate/audit/audit.h"

#include "core/base/hash.h"
#include "core/curate/audit/completeness.h"
#include "core/curate/audit/identity_audit.h"
#include "core/curate/audit/language.h"
#include "core/curate/audit/personal_data.h"
#include "core/curate/audit/refusal.h"
#include "core/curate/audit/repetition.h"

namespace retort {

std::string prompt_text(const Json& messages) {
  std::string text;
  if (!messages.is_array()) return text;
  for (auto message = messages.rbegin(); message != messages.rend(); ++message) {
    if (!message->is_object() || json_text(*message, "role") != "user") continue;
    const Json& content = json_child(*message, "content");
    for (const Json& part : content) {
      const std::string words = part.is_object() ? json_text(part, "text") : std::string();
      if (!words.empty()) text += (text.empty() ? "" : "\n") + words;
    }
    return text.empty() ? json_text(*message, "content") : text;
  }
  return text;
}

Answered answered(const Pair& pair, std::string_view prompt) {
  const Response& answer = pair.answer;
  Answered seen;
  seen.prompt = prompt;
  seen.text = answer.text;
  seen.reasoning = answer.reasoning;
  seen.refusal = answer.refusal;
  seen.finish = answer.finish;
  seen.tool_calls = answer.tool_calls.is_array() && !answer.tool_calls.empty();
  seen.model_asked = pair.teacher.model;
  seen.model_served = answer.served_model;
  return seen;
}

std::string Audit::digest() const {
  return sha256_hex(canonical_json({{"kind", kind()}, {"settings", settings()}, {"version", version()}}));
}

std::vector<std::unique_ptr<Audit>> standard_audits() {
  std::vector<std::unique_ptr<Audit>> audits;
  audits.push_back(std::make_unique<RefusalAudit>());
  audits.push_back(std::make_unique<SelfIdentificationAudit>());
  audits.push_back(std::make_unique<ServedModelAudit>());
  audits.push_back(std::make_unique<TruncationAudit>());
  audits.push_back(std::make_unique<EmptyAudit>());
  audits.push_back(std::make_unique<LanguageAudit>());
  audits.push_back(std::make_unique<RepetitionAudit>());
  audits.push_back(std::make_unique<PersonalDataAudit>());
  return audits;
}

}  // namespace retort
