#include "core/text/jinja/text.h"

#include <algorithm>

namespace retort::jinja {

std::uint8_t Text::marks() const {
  std::uint8_t all = 0;
  for (const Run& run : runs_) all = static_cast<std::uint8_t>(all | run.marks);
  return all;
}

void Text::push(Run run) {
  if (run.begin == run.end || run.marks == 0) return;
  if (!runs_.empty() && runs_.back().end == run.begin && runs_.back().marks == run.marks) {
    runs_.back().end = run.end;
  } else {
    runs_.push_back(run);
  }
}

void Text::append(const Text& other) {
  const std::size_t base = bytes_.size();
  bytes_ += other.bytes_;
  for (const Run& run : std::vector<Run>(other.runs_)) push({run.begin + base, run.end + base, run.marks});
}

Text Text::part(std::size_t begin, std::size_t end) const {
  Text made;
  end = std::min(end, bytes_.size());
  if (begin >= end) return made;
  made.bytes_ = bytes_.substr(begin, end - begin);
  for (const Run& run : runs_) {
    if (run.end > begin && run.begin < end)
      made.push({std::max(run.begin, begin) - begin, std::min(run.end, end) - begin, run.marks});
  }
  return made;
}

void Text::add_marks(std::uint8_t marks) {
  if (marks == 0 || bytes_.empty()) return;
  std::vector<Run> before;
  before.swap(runs_);
  std::size_t at = 0;
  for (const Run& run : before) {
    push({at, run.begin, marks});
    push({run.begin, run.end, static_cast<std::uint8_t>(run.marks | marks)});
    at = run.end;
  }
  push({at, bytes_.size(), marks});
}

}  // namespace retort::jinja
