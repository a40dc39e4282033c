// How a pair is written for another trainer: one line of JSON, a pure function of the pair and the options. Every line
// of a file has the same keys with the same types, so that readers that guess a schema from the first lines are right.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/json.h"
#include "core/base/result.h"
#include "core/corpus/records.h"

namespace retort {

/// Where the teacher's reasoning goes.
enum class ReasoningStyle {
  separate,    ///< a field of its own beside the answer, empty if there is none
  inline_tag,  ///< "<think>…</think>\n\n" before the answer, if there is any
  drop,
};

struct FormatOptions {
  ReasoningStyle reasoning = ReasoningStyle::separate;
  bool plain = false;  ///< prompt-completion: two texts instead of two lists of messages
  bool bare = false;   ///< without the field "retort" that leads back to response, source, teacher and licence
};

/// Exactly one of both is set.
struct RenderedPair {
  std::optional<std::string> line;  ///< valid UTF-8 without a line break; the same bytes each time
  std::string left_out;             ///< a word for why this format cannot say it
};

class PairFormat {
 public:
  virtual ~PairFormat() = default;
  /// `rejected` is the other half of a preference pair, for formats that want one; else null.
  virtual RenderedPair render(const Pair& pair, const Pair* rejected) const = 0;
  RenderedPair render(const Pair& pair) const { return render(pair, nullptr); }
  /// Whether pairs come with a rejected half.
  virtual bool wants_preference() const { return false; }
  /// What every line is made of: a line whose leaves are "text" or "integer", and whose lists have one element. A
  /// member may be missing in elements of a list (only answers have "reasoning_content").
  virtual Json columns() const = 0;
};

/// "chat", "prompt-completion", "alpaca", "sharegpt" or "preference". Errc::usage lists them if there is no such
/// format, or says which option does not fit.
Result<std::unique_ptr<PairFormat>> make_format(std::string_view name, const FormatOptions& options);

/// "separate", "inline" or "drop"; Errc::usage else.
Result<ReasoningStyle> reasoning_style_of(std::string_view word);

}  // namespace retort
