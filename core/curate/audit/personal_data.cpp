#include "core/curate/audit/personal_data.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "core/base/text.h"
#include "core/curate/regex.h"

namespace retort {
namespace {

using Kind = PersonalDataKind;

// A key is drawn at random; "sk-your-key-goes-here" is not. Bits a character, of those it has.
double entropy(std::string_view text) {
  std::array<int, 256> counts{};
  for (const char c : text) ++counts[static_cast<unsigned char>(c)];
  double bits = 0;
  for (const int count : counts) {
    if (count == 0) continue;
    const double share = static_cast<double>(count) / static_cast<double>(text.size());
    bits -= share * std::log2(share);
  }
  return bits;
}

bool holds_any(std::string_view text, std::initializer_list<std::string_view> words) {
  const std::string lower = lower_ascii(text);
  return std::any_of(words.begin(), words.end(),
                     [&](std::string_view word) { return lower.find(word) != std::string::npos; });
}

std::string only(std::string_view text, bool letters) {
  std::string kept;
  for (const char c : text) {
    const bool digit = c >= '0' && c <= '9', letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    if (digit || (letters && letter)) kept += c;
  }
  return kept;
}

bool is_email(std::string_view text) {
  const std::string lower = lower_ascii(text);
  const std::string_view local = std::string_view(lower).substr(0, lower.find('@'));
  const std::string_view domain = std::string_view(lower).substr(lower.find('@') + 1);
  if (local == "git" || local == "noreply" || local == "no-reply" || local == "user" || local == "username")
    return false;
  return !holds_any(domain,
                    {"example", "beispiel", "ejemplo", "exemple", "yourdomain", "yourcompany", ".test", ".invalid"}) &&
         domain != "domain.com" && domain != "email.com" && domain != "test.com" && domain != "company.com";
}

bool is_phone(std::string_view text) {
  const std::string digits = only(text, false);
  const bool fictitious = digits.find("5550") != std::string::npos || digits.find("55501") != std::string::npos;
  const bool counted = digits.find("123456") != std::string::npos && !text.starts_with("1");
  const bool one_digit = entropy(digits) < 1.0;
  const bool with_country = text.starts_with("+") || text.starts_with("00");
  // Eight digits without a country are a date: 06.08.2024.
  return digits.size() >= (with_country ? 8U : 9U) && digits.size() <= 15 && !fictitious && !counted && !one_digit;
}

// H. P. Luhn 1954, US patent 2,950,048.
bool is_credit_card(std::string_view text) {
  const std::string digits = only(text, false);
  if (digits.size() < 13 || digits.size() > 19) return false;
  int sum = 0;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    const int digit = digits[digits.size() - 1 - i] - '0';
    const int counted = i % 2 == 0 ? digit : 2 * digit;
    sum += counted > 9 ? counted - 9 : counted;
  }
  if (sum % 10 != 0 || entropy(digits) < 1.5) return false;
  const int two = std::stoi(digits.substr(0, 2)), four = std::stoi(digits.substr(0, 4));
  const bool visa = digits[0] == '4' && (digits.size() == 13 || digits.size() == 16 || digits.size() == 19);
  const bool master = digits.size() == 16 && ((two >= 51 && two <= 55) || (four >= 2221 && four <= 2720));
  const bool amex = digits.size() == 15 && (two == 34 || two == 37);
  const bool others =
      digits.size() >= 14 && (four == 6011 || two == 65 || two == 36 || two == 38 || two == 35 || two == 62);
  // The numbers that payment providers publish for tests.
  for (const char* test : {"4111111111111111", "4242424242424242", "5555555555554444", "378282246310005",
                           "4012888888881881", "6011111111111117", "4000056655665556"}) {
    if (digits == test) return false;
  }
  return visa || master || amex || others;
}

// ISO 13616: the remainder by 97 of the number with letters as 10 to 35.
bool is_iban(std::string_view text) {
  const std::string all = only(text, true);
  static const std::map<std::string, std::size_t> kLengths = {
      {"DE", 22}, {"FR", 27}, {"ES", 24}, {"IT", 27}, {"GB", 22}, {"NL", 18}, {"BE", 16}, {"AT", 20}, {"CH", 21},
      {"PL", 28}, {"PT", 25}, {"SE", 24}, {"NO", 15}, {"DK", 18}, {"FI", 18}, {"IE", 22}, {"LU", 20}, {"CZ", 24}};
  if (all.size() < 15 || all.size() > 34) return false;
  if (const auto known = kLengths.find(all.substr(0, 2)); known != kLengths.end() && known->second != all.size())
    return false;
  int rest = 0;
  for (const char c : all.substr(4) + all.substr(0, 4)) {
    const char upper = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    rest = upper <= '9' ? (rest * 10 + upper - '0') % 97 : (rest * 100 + upper - 'A' + 10) % 97;
  }
  return rest == 1;
}

bool is_key(std::string_view text) {
  if (holds_any(text, {"example", "your", "xxxx", "placeholder", "abcdef", "123456", "changeme", "secret", "dummy",
                       "...", "insert"}))
    return false;
  const bool digit = std::any_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  return digit && entropy(text) >= 3.2;
}

bool any(std::string_view) { return true; }

struct Finder {
  Kind kind;
  Regex regex;  ///< the finding is the group `v`
  bool (*holds)(std::string_view);
};

const std::vector<Finder>& finders() {
  // What is found first wins where two overlap.
  static const std::vector<Finder> kFinders = [] {
    std::vector<Finder> all;
    all.push_back(
        {Kind::private_key,
         Regex(
             R"((?<v>-----BEGIN (?:[A-Z]{2,10} )?PRIVATE KEY(?: BLOCK)?-----\s{1,4}[A-Za-z0-9+/=]{16}[A-Za-z0-9+/=\s]{0,20000}+(?:-----END [A-Z ]{0,24}-----)?))"),
         any});
    all.push_back(
        {Kind::api_key,
         Regex(
             R"((?<![A-Za-z0-9_-])(?<v>sk-[A-Za-z0-9_-]{20,200}|gh[pousr]_[A-Za-z0-9]{30,80}|github_pat_[A-Za-z0-9_]{30,100}|(?:AKIA|ASIA)(?-i:[A-Z0-9]{16})|AIza[A-Za-z0-9_-]{35}|xox[abprs]-[A-Za-z0-9-]{20,100}|hf_[A-Za-z0-9]{30,60}|glpat-[A-Za-z0-9_-]{20,40}|[rsp]k_live_[A-Za-z0-9]{16,100}|npm_[A-Za-z0-9]{36}|SG\.[A-Za-z0-9_-]{20,24}\.[A-Za-z0-9_-]{40,45}|eyJ[A-Za-z0-9_-]{16,1000}\.eyJ[A-Za-z0-9_-]{16,2000}\.[A-Za-z0-9_-]{16,1000})(?![A-Za-z0-9]))"),
         is_key});
    all.push_back(
        {Kind::api_key,
         Regex(
             R"((?:api[_ -]?key|secret|access[_ -]?token|auth[_ -]?token|password)["']?\s{0,3}[:=]\s{0,3}["']?(?<v>[A-Za-z0-9+/_-]{24,200})(?![A-Za-z0-9(.]))"),
         is_key});
    all.push_back(
        {Kind::email,
         Regex(
             R"((?<![A-Za-z0-9._%+-])(?<v>[A-Za-z0-9_][A-Za-z0-9._%+-]{0,62}@(?:[A-Za-z0-9-]{1,63}\.){1,5}[A-Za-z]{2,18})(?![A-Za-z0-9-]))"),
         is_email});
    all.push_back(
        {Kind::iban,
         Regex(R"((?<![A-Za-z0-9])(?<v>[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?)(?![A-Za-z0-9]))"),
         is_iban});
    all.push_back({Kind::credit_card,
                   Regex(R"((?<![\d.,-])(?<!\d )(?<v>[2-6]\d{3}(?:[ -]?\d){9,15})(?![\d]| \d|[.,]\d))"),
                   is_credit_card});
    // A country's code; or groups that begin with 0; or three groups as in North America; or a Chinese mobile number.
    all.push_back(
        {Kind::phone,
         Regex(
             R"((?<![\w.,+/-])(?<!\d )(?<v>(?:\+|00)[1-9]\d{0,2}[ .\-/]{0,2}(?:\(0?\d{1,5}\)[ .\-/]{0,2})?(?:\d{1,6}[ .\-/]{0,2}){2,6}\d{1,6}|\(?0[1-9]\d{0,4}\)?(?:[ ]?[/-][ ]?|[ .-])\d{2,8}(?:[ .-]\d{2,8}){0,4}|\(?[2-9]\d{2}\)?[ .-]\d{3}[.-]\d{4}|(?:\+?86[ -]?)?1[3-9]\d{9})(?![\d/]|[.,-]\d))"),
         is_phone});
    all.push_back(
        {Kind::postal_address,
         Regex(
             R"((?<![\p{L}\d])(?<v>(?-i:\d{1,5} (?:\p{Lu}[\p{L}.]+ ){1,3}(?:Street|St\.|Avenue|Ave\.?|Road|Rd\.|Lane|Drive|Boulevard|Court|Way),? [^\n]{2,40}?\b\d{5}\b|\p{Lu}[\p{L}-]{2,30}(?:straße|strasse|str\.|gasse|weg|platz|allee) \d{1,4}[a-z]?,? (?:in )?\d{5} \p{Lu}\p{L}+|\d{1,4}(?: bis| ter)?,? (?:rue|avenue|boulevard|place|impasse|allée|chemin) (?:de |du |des |la |le |les |d['’]|l['’]){0,3}\p{L}[^\n,]{1,40},? \d{5} \p{Lu}\p{L}+|(?:Calle|Avenida|Plaza|Paseo|C/) [^\n,]{2,40},? \d{1,4},[^\n]{0,30}? \d{5} \p{Lu}\p{L}+)))"),
         any});
    return all;
  }();
  return kFinders;
}

}  // namespace

std::string_view to_string(PersonalDataKind kind) {
  switch (kind) {
    case Kind::email:
      return "email";
    case Kind::phone:
      return "phone";
    case Kind::credit_card:
      return "credit_card";
    case Kind::iban:
      return "iban";
    case Kind::postal_address:
      return "postal_address";
    case Kind::api_key:
      return "api_key";
    case Kind::private_key:
      return "private_key";
  }
  return "";
}

std::vector<PersonalData> personal_data_in(std::string_view text) {
  std::vector<PersonalData> found;
  if (!is_valid_utf8(text)) return found;
  // `found` is in order and without overlaps: only one may end after `begin` and begin before `end`.
  const auto overlaps = [&](std::size_t begin, std::size_t end) {
    const auto next =
        std::partition_point(found.begin(), found.end(), [&](const auto& other) { return other.end <= begin; });
    return next != found.end() && next->begin < end;
  };
  for (const Finder& finder : finders()) {
    std::vector<PersonalData> of_kind;
    for (auto match = finder.regex.find(text); match; match = finder.regex.find(text, match->end)) {
      if (match->end == match->begin) break;
      const std::size_t end = match->group_end, begin = end - match->group.size();
      if (finder.holds(match->group) && !overlaps(begin, end)) of_kind.push_back({finder.kind, begin, end});
    }
    found.insert(found.end(), of_kind.begin(), of_kind.end());
    std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.begin < b.begin; });
  }
  return found;
}

std::string without_personal_data(std::string_view text) {
  std::string result;
  std::size_t at = 0;
  for (const PersonalData& data : personal_data_in(text)) {
    result += text.substr(at, data.begin - at);
    result += "[" + std::string(to_string(data.kind)) + "]";
    at = data.end;
  }
  return result += text.substr(at);
}

Label PersonalDataAudit::judge(const Answered& pair) const {
  std::map<std::string_view, int> counts;
  double score = 0;
  for (const std::string_view text : {pair.text, pair.reasoning}) {
    for (const PersonalData& data : personal_data_in(text)) {
      const std::string_view words = text.substr(data.begin, data.end - data.begin);
      if (pair.prompt.find(words) != std::string_view::npos) continue;
      ++counts[to_string(data.kind)];
      const bool loose = data.kind == Kind::phone || data.kind == Kind::postal_address;
      score = std::max(score, loose ? 0.7 : 1.0);
    }
  }
  Label label;
  for (const auto& [kind, count] : counts) {
    label.value += (label.value.empty() ? "" : ", ") + std::string(kind);
    label.reason += (label.reason.empty() ? "holds " : ", ") + std::to_string(count) + " " + std::string(kind);
  }
  label.score = score;
  return label;
}

}  // namespace retort
