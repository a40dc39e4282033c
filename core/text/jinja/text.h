// Text that knows where each of its bytes comes from, through every operation of a template: so what is to be learned,
// and what must never become a special token, is known by construction and never searched for.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace retort::jinja {

/// Where bytes come from. Text of the template itself has none of these.
enum Mark : std::uint8_t {
  kOutside = 1,     ///< written by a person or a model
  kAnswer = 2,      ///< the completion's text
  kReasoning = 4,   ///< the completion's reasoning
  kGeneration = 8,  ///< stood in a {% generation %} block
};

struct Run {
  std::size_t begin, end;
  std::uint8_t marks;
};

class Text {
 public:
  Text() = default;
  Text(std::string bytes, std::uint8_t marks = 0) : bytes_(std::move(bytes)) { add_marks(marks); }  // NOLINT
  Text(const char* bytes) : bytes_(bytes) {}                                                        // NOLINT

  const std::string& bytes() const { return bytes_; }
  std::string_view view() const { return bytes_; }
  std::size_t size() const { return bytes_.size(); }
  /// In order, apart, none empty, none without marks.
  const std::vector<Run>& runs() const { return runs_; }
  /// All marks that any byte has: what is computed from the text inherits them.
  std::uint8_t marks() const;

  void append(const Text& other);
  Text part(std::size_t begin, std::size_t end) const;
  void add_marks(std::uint8_t marks);

 private:
  void push(Run run);
  std::string bytes_;
  std::vector<Run> runs_;
};

}  // namespace retort::jinja
