// Does an answer hold what must not spread: a person's e-mail address, telephone number, credit card, account or postal
// address, or a key? A checksum decides where there is one; well-known examples and reserved names are none.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "core/curate/audit/audit.h"

namespace retort {

enum class PersonalDataKind { email, phone, credit_card, iban, postal_address, api_key, private_key };

struct PersonalData {
  PersonalDataKind kind = PersonalDataKind::email;
  std::size_t begin = 0, end = 0;  ///< in bytes of the text
};

std::string_view to_string(PersonalDataKind kind);

/// Everything found, in the order of the text, nothing overlapping. `text` is valid UTF-8, or nothing is found.
/// Linear time.
std::vector<PersonalData> personal_data_in(std::string_view text);

/// The text with each finding replaced by "[email]", "[api_key]", …
std::string without_personal_data(std::string_view text);

/// Values: the kinds found, in alphabetical order ("api_key, email"), in text or reasoning. What the prompt itself
/// holds is not counted. The reason tells kinds and counts, never the data. The score is 1 for what has a checksum or a
/// fixed shape, else 0.7.
class PersonalDataAudit : public Audit {
 public:
  std::string kind() const override { return "personal_data"; }
  std::vector<std::string> values() const override {
    return {"email", "phone", "credit_card", "iban", "postal_address", "api_key", "private_key"};
  }
  Label judge(const Answered& pair) const override;

 protected:
  int version() const override { return 1; }
};

}  // namespace retort
