// A compiled regular expression over UTF-8, for what audits look for in answers.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace retort {

struct RegexMatch {
  std::size_t begin = 0, end = 0;
  std::string_view group;     ///< what the group `v` took, the last one that took something; empty if none did
  std::size_t group_end = 0;  ///< `end` if none did
};

/// PCRE2 with Unicode classes, without regard to case. Constant after construction: one object serves all threads. A
/// pattern that does not compile is a bug.
class Regex {
 public:
  explicit Regex(std::string_view pattern);
  Regex(Regex&& other) noexcept;
  ~Regex();

  /// The first match that begins at `from` or after. `text` is valid UTF-8, and `from` the start of a character.
  std::optional<RegexMatch> find(std::string_view text, std::size_t from = 0) const;
  bool in(std::string_view text) const { return find(text).has_value(); }

 private:
  struct Code;
  std::unique_ptr<Code> code_;
};

}  // namespace retort
