#define PCRE2_CODE_UNIT_WIDTH 8
#include "core/text/pre_tokenizer.h"

#include <pcre2.h>

#include "core/base/assert.h"
#include "core/base/text.h"

namespace retort {

const std::string_view kDigitsAlonePattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
const std::string_view kLlama3Pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
const std::string_view kQwen35Pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
const std::string_view kGpt2Pattern = R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
const std::string_view kDigitPattern = R"(\p{N})", kDigitRunPattern = R"(\p{N}+)";

struct PreTokenizer::Regex {
  pcre2_code* code = nullptr;
  pcre2_match_data* match = nullptr;

  Regex() = default;
  Regex(const Regex&) = delete;
  Regex& operator=(const Regex&) = delete;
  ~Regex() {
    pcre2_match_data_free(match);
    pcre2_code_free(code);
  }
};

namespace {

// Whether what ends here is {2,3 and not \p{L.
bool closes_a_count(std::string_view before) {
  const std::size_t digits = before.find_last_not_of("0123456789,");
  return digits != std::string_view::npos && before[digits] == '{' && digits + 1 < before.size();
}

// Oniguruma's pattern for PCRE2: white space is spelled out, since PCRE2 counts U+180E among it. Empty and `why` if the
// two would read it differently.
std::string for_pcre2(std::string_view pattern, std::string& why) {
  std::string made;
  bool in_class = false;
  for (std::size_t at = 0; at < pattern.size(); ++at) {
    const std::string_view rest = pattern.substr(at);
    if (rest.starts_with("\\s")) {
      made += in_class ? R"(\t-\r\x{85}\p{Z})" : R"([\t-\r\x{85}\p{Z}])";
    } else if (rest.starts_with("\\S") && !in_class) {
      made += R"([^\t-\r\x{85}\p{Z}])";
    } else if (rest.starts_with("\\S") || rest.starts_with("\\h") || rest.starts_with("\\H")) {
      return why = rest.substr(0, 2), std::string();
    } else if (rest.starts_with("&&") && in_class) {
      return why = "&&", std::string();
    } else if (rest.starts_with("}+") && closes_a_count(pattern.substr(0, at))) {
      return why = "{…}+", std::string();
    } else {
      if (rest.front() == '[' && !in_class) in_class = true;
      if (rest.front() == ']') in_class = false;
      made += rest.front();
      if (rest.front() == '\\' && rest.size() > 1) made += pattern[at + 1];
      at += rest.front() == '\\' ? 1 : 0;
      continue;
    }
    ++at;
  }
  return made;
}

}  // namespace

Result<PreTokenizer> PreTokenizer::compile(std::vector<std::string> patterns) {
  auto made = PreTokenizerTest::without_scanners(patterns);
  if (!made) return made;
  for (std::size_t i = 0; i < patterns.size(); ++i) made->steps_[i].scan = word_scanner(patterns[i]);
  return made;
}

Result<PreTokenizer> PreTokenizerTest::without_scanners(std::vector<std::string> patterns) {
  if (patterns.empty()) return fail(Errc::usage, "a tokenizer that cuts no words");
  PreTokenizer made;
  for (const std::string& pattern : patterns) {
    std::string why;
    const std::string spelled = for_pcre2(pattern, why);
    if (!why.empty()) return fail(Errc::usage, "the tokenizer's pattern has " + why + ", which is not understood");
    auto regex = std::make_shared<PreTokenizer::Regex>();
    int error = 0;
    PCRE2_SIZE at = 0;
    regex->code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(spelled.data()), spelled.size(),
                                PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE, &error, &at, nullptr);
    if (regex->code == nullptr) {
      return fail(Errc::usage, "the tokenizer's pattern is no regular expression that PCRE2 knows: " +
                                   shortened(on_one_line(pattern), 60));
    }
    pcre2_jit_compile(regex->code, PCRE2_JIT_COMPLETE);  // without it the same matches, slower
    regex->match = pcre2_match_data_create_from_pattern(regex->code, nullptr);
    RETORT_ASSERT(regex->match != nullptr);
    made.steps_.push_back({nullptr, std::move(regex)});
  }
  return made;
}

std::size_t PreTokenizer::regex_word(const Regex& regex, std::string_view text, std::size_t at, std::size_t& pending) {
  if (pending > at) return std::exchange(pending, 0);  // the match that ended the last word
  const auto* subject = reinterpret_cast<PCRE2_SPTR>(text.data());
  // The caller vouches for UTF-8, and checking again at every word would be quadratic.
  int count = pcre2_match(regex.code, subject, text.size(), at, PCRE2_NO_UTF_CHECK, regex.match, nullptr);
  if (count < 0 && count != PCRE2_ERROR_NOMATCH) {  // the JIT's stack is small; the interpreter's is the heap
    count = pcre2_match(regex.code, subject, text.size(), at, PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT, regex.match, nullptr);
  }
  if (count <= 0) return text.size();
  const PCRE2_SIZE* bounds = pcre2_get_ovector_pointer(regex.match);
  if (bounds[1] <= bounds[0]) return text.size();  // an empty match moves nothing: the rest stays one word
  if (bounds[0] == at) return bounds[1];
  pending = bounds[1];
  return bounds[0];
}

}  // namespace retort
