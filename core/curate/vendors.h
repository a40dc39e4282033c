// Who makes models, and under which names they and their models are known: what self-identification looks for in an
// answer, and what a teacher's profile is compared with.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/corpus/records.h"

namespace retort {

struct VendorAlias {
  enum class Kind {
    company,  ///< can be said to have made a model: "trained by OpenAI"
    model,    ///< can only be a model: "I am ChatGPT"
    name,     ///< also a person, an animal or a word: "I am Claude" needs support from its surroundings
  };
  std::string_view vendor;  ///< the one spelling used in manifests and messages
  Kind kind;
  std::string_view text;  ///< as written, ASCII letters in any case; a space stands for a space, a hyphen or nothing
};

std::span<const VendorAlias> vendor_aliases();

/// The vendor of an alias as it was found in a text ("gpt-4o" is OpenAI): the longest alias that it begins with.
/// Empty if there is none.
std::string_view vendor_of_alias(std::string_view found);

/// Every known vendor that a text names anywhere, in alphabetical order: "deepseek-r1-distill-qwen-7b" names two.
std::vector<std::string> vendors_named_in(std::string_view text);

/// Who may have made the answers of this teacher: the profile's `vendor` if it states one, else all that the model's
/// name suggests (any of them is right: a distilled model has two), else the one whose host it is. Empty: unknown.
std::vector<std::string> vendors_of(const TeacherIdentity& teacher);

}  // namespace retort
