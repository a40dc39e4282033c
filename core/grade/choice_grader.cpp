#include "core/grade/choice_grader.h"

#include <algorithm>
#include <array>

#include "core/base/text.h"
#include "core/grade/final_answer.h"
#include "core/grade/text_graders.h"

namespace retort {
namespace {

constexpr char kLast = 'J';  // more options than ten are rare, and I is a word

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_choice(char c) { return c >= 'A' && c <= kLast; }

// Without what LaTeX and Markdown put around a letter.
std::string undressed(std::string_view text) {
  std::string result;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '\\') {
      while (at + 1 < text.size() && is_letter(text[at + 1])) ++at;
      result += ' ';
    } else if (std::string_view("{}$*_`\"").find(text[at]) == std::string_view::npos) {
      result += text[at];
    } else {
      result += ' ';
    }
  }
  return std::string(trimmed(result));
}

std::string sorted(std::string letters) {
  std::sort(letters.begin(), letters.end());
  letters.erase(std::unique(letters.begin(), letters.end()), letters.end());
  return letters;
}

// "B", "(B)", "B.", "A, C", "A and C": nothing but letters and what joins them.
std::string only_letters(const std::string& text) {
  std::string letters, word;
  for (const char c : text + " ") {
    if (is_letter(c)) {
      word += c;
      continue;
    }
    if (std::string_view(" ().,;:&/[]").find(c) == std::string_view::npos) return {};
    const std::string joining = lower_ascii(word);
    if (word.size() == 1 && (is_choice(word[0]) || letters.empty())) {
      const char letter = word[0] >= 'a' ? static_cast<char>(word[0] - 'a' + 'A') : word[0];
      if (!is_choice(letter)) return {};
      letters += letter;
    } else if (word.size() > 1 && std::all_of(word.begin(), word.end(), is_choice) && word.size() <= 5) {
      letters += word;
    } else if (!word.empty() && joining != "and" && joining != "or") {
      return {};
    }
    word.clear();
  }
  return letters;
}

// "B) Paris", "(B) Paris", "B. Paris", "B: Paris".
std::string leading_letter(std::string_view text) {
  const bool bracket = text.starts_with('(');
  if (bracket) text.remove_prefix(1);
  if (text.size() < 2 || !is_choice(text[0]) || std::string_view(").:").find(text[1]) == std::string_view::npos)
    return {};
  return std::string(1, text[0]);
}

// The last "option B", "choice B", "answer is B", or "(B)" of a sentence.
std::string announced_letter(const std::string& text) {
  const std::string lower = lower_ascii(text);
  std::size_t best = 0;
  std::string letter;
  for (const std::string_view phrase :
       {"option ", "choice ", "option is ", "choice is ", "answer is ", "answer: ", "("}) {
    for (std::size_t at = lower.find(phrase); at != std::string::npos; at = lower.find(phrase, at + 1)) {
      std::size_t place = at + phrase.size();
      while (place < text.size() && (text[place] == '(' || text[place] == ' ')) ++place;
      if (place >= text.size() || !is_choice(text[place])) continue;
      const char next = place + 1 < text.size() ? text[place + 1] : ' ';
      if (is_letter(next) || (phrase == "(" && next != ')') || place < best) continue;
      best = place;
      letter = text.substr(place, 1);
    }
  }
  return letter;
}

// The letter of the option that `text` spells out.
std::string letter_of_option(std::string_view text, const Json* metadata) {
  if (metadata == nullptr || !metadata->is_object()) return {};
  const std::string wanted = normalised_text(text);
  for (const char* key : {"choices", "options"}) {
    const auto list = metadata->find(key);
    if (list == metadata->end() || !list->is_array()) continue;
    for (std::size_t i = 0; i < list->size() && i <= static_cast<std::size_t>(kLast - 'A'); ++i) {
      const Json& option = (*list)[i];
      if (option.is_string() && normalised_text(option.get_ref<const std::string&>()) == wanted)
        return std::string(1, static_cast<char>('A' + static_cast<int>(i)));
    }
  }
  return {};
}

std::string letters(std::string_view text, const Json* metadata) {
  const std::string option = letter_of_option(final_answer(text).text, metadata);
  return option.empty() ? chosen_letters(text) : option;
}

class ChoiceGrader final : public PureGrader {
 public:
  Grade grade(const GradeInput& input) const override {
    const std::string wanted = letters(input.reference, input.metadata);
    if (wanted.empty()) {
      return {Grade::Kind::ungradable,
              0,
              "the reference '" + shortened(on_one_line(input.reference), 60) + "' names no option",
              {}};
    }
    const std::string found = letters(input.answer, input.metadata);
    const bool right = found == wanted;
    return {right ? Grade::Kind::right : Grade::Kind::wrong, right ? 1.0 : 0.0,
            (found.empty() ? "no option is chosen" : "chose " + found) + (right ? "" : "; wanted " + wanted), found};
  }
  std::string digest() const override { return "choice/1"; }
};

}  // namespace

std::string chosen_letters(std::string_view text) {
  const std::string answer = undressed(final_answer(text).text);
  if (std::string letters = only_letters(answer); !letters.empty()) return sorted(letters);
  if (std::string letter = leading_letter(answer); !letter.empty()) return letter;
  if (std::string letter = announced_letter(answer); !letter.empty()) return letter;
  return announced_letter(undressed(text));
}

std::unique_ptr<Grader> choice_grader() { return std::make_unique<ChoiceGrader>(); }

}  // namespace retort
