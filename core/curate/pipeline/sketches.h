// What a set stage drew of each pair, one after another in one block: a million strings of their own would take as much
// memory again.
#pragma once

#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace retort {

class Sketches {
 public:
  void push_back(std::string_view sketch) {
    bytes_.append(sketch);
    ends_.push_back(bytes_.size());
  }
  std::size_t size() const { return ends_.size(); }
  /// Valid until the next change. Sketches of one length stand without gaps.
  std::string_view operator[](std::size_t i) const {
    const std::size_t begin = i == 0 ? 0 : ends_[i - 1];
    return std::string_view(bytes_).substr(begin, ends_[i] - begin);
  }
  /// Keeps those whose mark is 0.
  void remove(const std::vector<char>& gone) {
    std::size_t to = 0, at = 0, begin = 0;
    for (std::size_t i = 0; i < gone.size(); ++i) {
      const std::size_t end = ends_[i];
      if (gone[i] == 0) {
        std::memmove(bytes_.data() + at, bytes_.data() + begin, end - begin);
        at += end - begin;
        ends_[to++] = at;
      }
      begin = end;
    }
    bytes_.resize(at);
    ends_.resize(to);
  }

 private:
  std::string bytes_;
  std::vector<std::size_t> ends_;
};

}  // namespace retort
