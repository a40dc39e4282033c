#define PCRE2_CODE_UNIT_WIDTH 8
#include "core/grade/regex_grader.h"

#include <pcre2.h>

#include <string>

#include "core/base/assert.h"
#include "core/base/hash.h"
#include "core/base/text.h"

namespace retort {
namespace {

constexpr std::uint32_t kStepsMax = 2'000'000;  // about a second at worst
constexpr std::uint32_t kDepthMax = 100'000;
constexpr std::uint32_t kHeapKibMax = 64 * 1024;

template <auto free>
struct Free {
  template <class T>
  void operator()(T* owned) const {
    free(owned);
  }
};
using Code = std::unique_ptr<pcre2_code, Free<pcre2_code_free>>;
using Match = std::unique_ptr<pcre2_match_data, Free<pcre2_match_data_free>>;
using Context = std::unique_ptr<pcre2_match_context, Free<pcre2_match_context_free>>;

Result<Code> compiled(std::string_view pattern) {
  int error = 0;
  PCRE2_SIZE at = 0;
  Code code(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(),
                          PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C, &error, &at, nullptr));
  if (code) return code;
  unsigned char words[128];
  pcre2_get_error_message(error, words, sizeof words);
  return fail(Errc::usage, "the regular expression is wrong at byte " + std::to_string(at) + ": " +
                               reinterpret_cast<const char*>(words));
}

Grade ungradable(std::string why) { return {Grade::Kind::ungradable, 0, std::move(why), {}}; }

// `reference` is compared with the first group, if there are both.
Grade matched(const pcre2_code& code, std::string_view answer, std::string_view reference) {
  const std::string text = to_valid_utf8(answer);
  const Match match(pcre2_match_data_create_from_pattern(&code, nullptr));
  const Context context(pcre2_match_context_create(nullptr));
  RETORT_ASSERT(match && context);
  pcre2_set_match_limit(context.get(), kStepsMax);
  pcre2_set_depth_limit(context.get(), kDepthMax);
  pcre2_set_heap_limit(context.get(), kHeapKibMax);
  const int count = pcre2_match(&code, reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), 0, PCRE2_NO_UTF_CHECK,
                                match.get(), context.get());
  if (count == PCRE2_ERROR_NOMATCH) return {Grade::Kind::wrong, 0, "the pattern does not match", {}};
  if (count < 0) return ungradable("the pattern needs more steps on this answer than it is given");
  const PCRE2_SIZE* bounds = pcre2_get_ovector_pointer(match.get());
  const auto group = [&](int i) {
    // \K may put the begin behind the end.
    if (i >= count || bounds[2 * i] == PCRE2_UNSET || bounds[2 * i] > bounds[2 * i + 1]) return std::string();
    return text.substr(bounds[2 * i], bounds[2 * i + 1] - bounds[2 * i]);
  };
  std::uint32_t groups = 0;
  pcre2_pattern_info(&code, PCRE2_INFO_CAPTURECOUNT, &groups);
  const std::string found = groups > 0 ? group(1) : group(0);
  const std::string shown = "'" + shortened(on_one_line(found), 60) + "'";
  if (groups > 0 && !trimmed(reference).empty() && trimmed(found) != trimmed(reference))
    return {Grade::Kind::wrong, 0, shown + " is not '" + shortened(on_one_line(reference), 60) + "'", found};
  return {Grade::Kind::right, 1, "the pattern matches " + shown, found};
}

class RegexGrader final : public PureGrader {
 public:
  RegexGrader(std::string pattern, Code code) : pattern_(std::move(pattern)), code_(std::move(code)) {}

  Grade grade(const GradeInput& input) const override {
    if (code_) return matched(*code_, input.answer, input.reference);
    if (trimmed(input.reference).empty())
      return ungradable("there is no pattern: neither in the grader nor as reference");
    const std::string pattern = to_valid_utf8(trimmed(input.reference));
    const auto own = compiled(pattern);
    return own ? matched(**own, input.answer, "") : ungradable(own.error().message);
  }
  std::string digest() const override { return "regex/1/" + sha256_hex(pattern_); }

 private:
  std::string pattern_;
  Code code_;  ///< never changes; null if each row brings its own
};

}  // namespace

Result<std::unique_ptr<Grader>> regex_grader(std::string_view pattern) {
  if (pattern.empty()) return std::unique_ptr<Grader>(std::make_unique<RegexGrader>("", nullptr));
  if (!is_valid_utf8(pattern)) return fail(Errc::usage, "the regular expression is not UTF-8");
  auto code = compiled(pattern);
  if (!code) return fail(code.error());
  return std::unique_ptr<Grader>(std::make_unique<RegexGrader>(std::string(pattern), std::move(*code)));
}

}  // namespace retort
