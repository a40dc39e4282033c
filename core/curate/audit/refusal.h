// Did the teacher decline? Many refusals come with the finish reason "stop" and stand in the text alone, so the words
// have to be read: in English, Chinese, German, French and Spanish, in the speaker's own voice and about this request.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/curate/audit/audit.h"

namespace retort {

enum class RefusalKind {
  refusal,     ///< declines the request
  partial,     ///< answers some of it and declines the rest
  deflection,  ///< neither: asks to talk about something else
};

struct Refusal {
  RefusalKind kind = RefusalKind::refusal;
  std::string span;  ///< the words that decline, on one line, at most 120 bytes
};

/// What a text declines, if anything. A quoted refusal, one in a story, and one that somebody else gave are none; nor
/// is an answer that says what it does not know and then answers.
std::optional<Refusal> refusal_in(std::string_view text);

/// Values "refusal", "partial", "deflection", "content_filter" (the provider's finish reason or refusal field). The
/// score is how sure the signs are: 1 for the provider's own word.
class RefusalAudit : public Audit {
 public:
  std::string kind() const override { return "refusal"; }
  std::vector<std::string> values() const override { return {"refusal", "partial", "deflection", "content_filter"}; }
  Label judge(const Answered& pair) const override;

 protected:
  int version() const override { return 1; }
};

}  // namespace retort
