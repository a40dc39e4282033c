// What a student learns from, as tokens in memory, and the order in which it sees them: a pure function of seed and
// epoch, so that a resumed run goes on exactly where it was.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/text/chat_template.h"

namespace retort {

/// Rows one after another in one block of memory.
class Rows {
 public:
  struct Row {
    std::int64_t id = 0;  ///< of the response, for messages
    std::span<const TokenId> tokens;
    std::size_t learned_from = 0;
    std::size_t targets() const { return tokens.size() - learned_from; }
  };

  void add(std::int64_t id, const ChatTokens& row);
  std::size_t size() const { return entries_.size(); }
  /// The view is valid until the next add().
  Row operator[](std::size_t index) const;
  std::size_t tokens() const { return tokens_.size(); }
  /// Tokens that are learned.
  std::size_t targets() const { return targets_; }
  /// Of everything in it: a run is resumed with the same rows or not at all.
  std::string digest() const;

 private:
  struct Entry {
    std::int64_t id;
    std::size_t begin, end, learned_from;
  };
  std::vector<Entry> entries_;
  std::vector<TokenId> tokens_;
  std::size_t targets_ = 0;
};

/// Row indices, batch by batch. Every row comes once; rows of like length share a batch, so that little is padding; the
/// last batch may be smaller.
std::vector<std::vector<std::size_t>> epoch_batches(const Rows& rows, std::size_t batch_rows, std::uint64_t seed,
                                                    std::int64_t epoch);

/// The chosen rows in lines of at most `room` tokens, several in one: the longest first, each into the line that it
/// fills best. A row longer than `room` has a line of its own.
std::vector<std::vector<std::size_t>> pack_lines(const Rows& rows, std::span<const std::size_t> chosen,
                                                 std::size_t room);

/// True for about `fraction` of all conversations: decided by the messages alone, so that the same question is never on
/// both sides, however often it was answered. The digest is that of the canonical messages.
bool is_held_back(std::string_view messages_digest, double fraction);

}  // namespace retort
