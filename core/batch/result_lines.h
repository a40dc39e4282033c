// Files of results are large and arrive in portions: they are cut into lines as they come, and of a line only what was
// answered is kept, byte for byte.
#pragma once

#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "core/corpus/records.h"

namespace retort {

/// Holds no more than the line that is under way, and of that no more than its bound.
class LineSplitter {
 public:
  /// `whole` is false for a line that was longer than the bound: then it is its beginning.
  using Take = std::function<void(std::string_view line, bool whole)>;
  explicit LineSplitter(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  void feed(std::string_view bytes, const Take& take);
  /// At the end: a last line without a line feed.
  void end(const Take& take);
  /// The stream begins again.
  void reset() { line_.clear(), too_long_ = false; }

 private:
  void close(const Take& take);
  std::size_t bytes_max_;
  std::string line_;
  bool too_long_ = false;
};

/// The bytes of a member of a member of … a JSON document that is known to parse; empty if it is not there.
std::string_view raw_member(std::string_view json, std::initializer_list<std::string_view> path);

/// What a provider wrote, as one bounded line of valid UTF-8.
std::string one_line(const std::string& text);

/// Whether a provider's id may stand in a URL as it is.
bool is_plain_id(std::string_view id);

/// What a line of a batch is called: by our key, and by its attempt.
std::string custom_id(const std::string& key, RowId attempt);
/// The attempt in a custom_id of that batch; nothing if it is another's.
std::optional<RowId> attempt_of(std::string_view custom_id, const std::string& key);
/// The same from a line that cannot be read as a whole.
std::optional<RowId> attempt_within(std::string_view line, const std::string& key);

}  // namespace retort
