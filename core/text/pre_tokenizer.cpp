#define PCRE2_CODE_UNIT_WIDTH 8
#include "core/text/pre_tokenizer.h"

#include <pcre2.h>

#include "core/base/assert.h"

namespace retort {

const std::string_view kDigitsAlonePattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
const std::string_view kGpt2Pattern = R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

struct PreTokenizer::Compiled {
  pcre2_code* code = nullptr;
  pcre2_match_data* match = nullptr;

  Compiled() = default;
  Compiled(const Compiled&) = delete;
  Compiled& operator=(const Compiled&) = delete;
  ~Compiled() {
    pcre2_match_data_free(match);
    pcre2_code_free(code);
  }
};

Result<PreTokenizer> PreTokenizer::compile(std::string_view pattern) {
  PreTokenizer made;
  made.pattern_ = pattern;
  made.compiled_ = std::make_shared<Compiled>();
  int error = 0;
  PCRE2_SIZE at = 0;
  made.compiled_->code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(),
                                       PCRE2_UTF | PCRE2_UCP, &error, &at, nullptr);
  if (made.compiled_->code == nullptr) {
    return fail(Errc::usage, "the tokenizer's pattern is no regular expression that PCRE2 knows (at byte " +
                                 std::to_string(at) + ")");
  }
  pcre2_jit_compile(made.compiled_->code, PCRE2_JIT_COMPLETE);  // without it the same matches, slower
  made.compiled_->match = pcre2_match_data_create_from_pattern(made.compiled_->code, nullptr);
  RETORT_ASSERT(made.compiled_->match != nullptr);
  return made;
}

void PreTokenizer::split(std::string_view text, const std::function<void(std::string_view)>& word) const {
  const auto* subject = reinterpret_cast<PCRE2_SPTR>(text.data());
  const auto next = [&](std::size_t at) {
    // The caller vouches for UTF-8, and checking again at every word would be quadratic.
    int count = pcre2_match(compiled_->code, subject, text.size(), at, PCRE2_NO_UTF_CHECK, compiled_->match, nullptr);
    if (count < 0 && count != PCRE2_ERROR_NOMATCH) {  // the JIT's stack is small; the interpreter's is the heap
      count = pcre2_match(compiled_->code, subject, text.size(), at, PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT,
                          compiled_->match, nullptr);
    }
    return count > 0;
  };
  for (std::size_t at = 0; at < text.size();) {
    std::size_t begin = text.size(), end = text.size();
    if (next(at)) {
      const PCRE2_SIZE* bounds = pcre2_get_ovector_pointer(compiled_->match);
      begin = bounds[0];
      end = bounds[1];
    }
    if (end == begin && begin < text.size()) {  // an empty match moves nothing: the rest stays one word
      begin = end = text.size();
    }
    if (begin > at) word(text.substr(at, begin - at));
    if (end > begin) word(text.substr(begin, end - begin));
    at = end;
  }
}

}  // namespace retort
