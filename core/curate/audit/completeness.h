// Is there an answer, and is it whole? Some servers report "stop" for an answer that was cut; the text shows it.
#pragma once

#include <string>

#include "core/curate/audit/audit.h"

namespace retort {

/// Values "length" (the finish reason says so), "open_fence" (a code block never closed), "open_math" (a display
/// formula never closed), "mid_sentence" (a long text ends within a sentence). The score is how sure the sign is.
class TruncationAudit : public Audit {
 public:
  std::string kind() const override { return "truncated"; }
  std::vector<std::string> values() const override { return {"length", "open_fence", "open_math", "mid_sentence"}; }
  Label judge(const Answered& pair) const override;

 protected:
  int version() const override { return 1; }
};

/// Values "empty" (no text, no tool call), "reasoning_only" (all went into reasoning), "no_words" (only marks).
class EmptyAudit : public Audit {
 public:
  std::string kind() const override { return "empty"; }
  std::vector<std::string> values() const override { return {"empty", "reasoning_only", "no_words"}; }
  Label judge(const Answered& pair) const override;

 protected:
  int version() const override { return 1; }
};

}  // namespace retort
