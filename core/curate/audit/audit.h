// One question about one pair, answered from the pair alone: did the teacher decline, is the text cut, does it hold a
// key? Each audit gives one label, so that curation can drop by it, count it per teacher, and cache it. docs/audits.md
// has the method, the source and the measured quality of each.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/json.h"
#include "core/corpus/records.h"

namespace retort {

/// What an audit found. `value` is one word for machines and is empty if nothing was found; `reason` is one line for
/// people, safe to print anywhere (never a secret, at most some 200 bytes); `score` is in [0, 1], and what it measures
/// stands with each audit.
struct Label {
  std::string value;
  std::string reason;
  double score = 0;

  bool found() const { return !value.empty(); }
};

/// What audits see of a pair. Views into the caller's values, which must outlive the call. Any bytes will do.
struct Answered {
  std::string_view prompt;  ///< the question in text: see prompt_text()
  std::string_view text;
  std::string_view reasoning;
  std::string_view refusal;  ///< the provider's own refusal field
  Finish finish = Finish::stop;
  bool tool_calls = false;  ///< the answer calls tools, so that an empty text is no fault
  std::string_view model_asked;
  std::string_view model_served;
};

/// The text of the last user message, of all its text parts if it has parts; empty if there is none.
std::string prompt_text(const Json& messages);

/// The views of a pair, with the prompt's text as `prompt` holds it: prompt_text(pair.messages), kept by the caller.
Answered answered(const Pair& pair, std::string_view prompt);

/// Constant after construction: one object serves all threads.
class Audit {
 public:
  virtual ~Audit() = default;
  /// One word: "refusal", "language", …: the stage of its labels.
  virtual std::string kind() const = 0;
  /// Every word that a label's value is made of, if they can be told: a choice among them that is misspelt would choose
  /// nothing. A value of several has a comma and a space between.
  virtual std::vector<std::string> values() const { return {}; }
  /// Time grows linearly with the text.
  virtual Label judge(const Answered& pair) const = 0;
  /// SHA-256 over kind, settings and version of the method: labels are cached under it, and are made anew when any of
  /// the three changes.
  std::string digest() const;

 protected:
  virtual int version() const = 0;
  virtual Json settings() const { return Json::object(); }
};

/// All audits with their default settings, in the order in which a table lists them.
std::vector<std::unique_ptr<Audit>> standard_audits();

}  // namespace retort
