#define PCRE2_CODE_UNIT_WIDTH 8
#include "core/curate/regex.h"

#include <pcre2.h>

#include "core/base/assert.h"

namespace retort {

// A compiled pattern never changes; what a match writes belongs to the call.
struct Regex::Code {
  std::unique_ptr<pcre2_code, void (*)(pcre2_code*)> code{nullptr, pcre2_code_free};
  std::vector<int> groups;
};

Regex::Regex(Regex&& other) noexcept = default;
Regex::~Regex() = default;

Regex::Regex(std::string_view pattern) : code_(std::make_unique<Code>()) {
  int error = 0;
  PCRE2_SIZE at = 0;
  code_->code.reset(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(),
                                  PCRE2_UTF | PCRE2_UCP | PCRE2_CASELESS | PCRE2_DUPNAMES, &error, &at, nullptr));
  RETORT_ASSERT(code_->code != nullptr);
  pcre2_code* code = code_->code.get();
  pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);  // without it the same matches, slower
  const auto* name = reinterpret_cast<PCRE2_SPTR>("v");
  const int group = pcre2_substring_number_from_name(code, name);
  if (group > 0) {
    code_->groups = {group};
  } else if (group == PCRE2_ERROR_NOUNIQUESUBSTRING) {
    PCRE2_SPTR first = nullptr, last = nullptr;
    const int size = pcre2_substring_nametable_scan(code, name, &first, &last);
    for (PCRE2_SPTR entry = first; entry <= last; entry += size) {
      code_->groups.push_back((entry[0] << 8) | entry[1]);
    }
  }
}

std::optional<RegexMatch> Regex::find(std::string_view text, std::size_t from) const {
  const pcre2_code* code = code_->code.get();
  const std::unique_ptr<pcre2_match_data, void (*)(pcre2_match_data*)> data(
      pcre2_match_data_create_from_pattern(code, nullptr), pcre2_match_data_free);
  RETORT_ASSERT(data != nullptr);
  const auto* subject = reinterpret_cast<PCRE2_SPTR>(text.data());
  int count = pcre2_match(code, subject, text.size(), from, PCRE2_NO_UTF_CHECK, data.get(), nullptr);
  if (count < 0 && count != PCRE2_ERROR_NOMATCH) {  // the JIT's stack is small; the interpreter's is the heap
    count = pcre2_match(code, subject, text.size(), from, PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT, data.get(), nullptr);
  }
  if (count <= 0) return {};
  const PCRE2_SIZE* bounds = pcre2_get_ovector_pointer(data.get());
  RegexMatch match{bounds[0], bounds[1], {}, bounds[1]};
  for (const int group : code_->groups) {
    const PCRE2_SIZE begin = bounds[2 * group], end = bounds[2 * group + 1];
    if (group >= count || begin == PCRE2_UNSET) continue;
    match.group = text.substr(begin, end - begin);
    match.group_end = end;
  }
  return match;
}

}  // namespace retort
