// Who speaks: the maker that an answer names in the first person, and the model that the provider says it served.
#pragma once

#include <string>
#include <string_view>

#include "core/curate/audit/audit.h"

namespace retort {

/// Values: the vendors named ("OpenAI", "OpenAI, Google"), in text or reasoning. Whether that contradicts the profile
/// is for vendors_of() to say. The score is 1.
class SelfIdentificationAudit : public Audit {
 public:
  std::string kind() const override { return "self_identification"; }
  Label judge(const Answered& pair) const override;

 protected:
  int version() const override { return 1; }
};

/// A model's name without what does not change the model: the organisation before a slash, a snapshot's date, the
/// endings "latest" and "preview"'s date, upper case, and the difference of "_", ".", " " and "-".
/// "openai/gpt-4o-2024-08-06" is "gpt-4o".
std::string normalised_model(std::string_view name);

/// Whether one name may stand for the other: equal when normalised, or equal but for a snapshot's date.
bool same_model(std::string_view asked, std::string_view served);

/// Value "other_model" where the provider names another model than was asked for. Nothing if it names none.
class ServedModelAudit : public Audit {
 public:
  std::string kind() const override { return "served_model"; }
  std::vector<std::string> values() const override { return {"other_model"}; }
  Label judge(const Answered& pair) const override;

 protected:
  int version() const override { return 1; }
};

}  // namespace retort
