#include "core/curate/audit/identity_audit.h"

#include <algorithm>

#include "core/base/text.h"
#include "core/base/visible_text.h"
#include "core/curate/self_identification.h"

namespace retort {
namespace {

constexpr std::size_t kNameBytesMax = 60;

bool is_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// Removes an ending of the form -(\d+), if it has one of the wanted lengths; what was there, or nothing.
std::string_view number_at_end(std::string_view name) {
  const std::size_t dash = name.rfind('-');
  if (dash == std::string_view::npos || dash == 0) return {};
  const std::string_view last = name.substr(dash + 1);
  return is_digits(last) ? last : std::string_view();
}

bool is_month_day(std::string_view digits) { return digits.size() == 2 && digits >= "01" && digits <= "31"; }

// "-2024-08-06", "-20240806", "-08-2024", "-0613", "-001".
bool drop_date(std::string& name) {
  const std::string_view last = number_at_end(name);
  if (last.size() == 8 && last.starts_with("20")) {
    name.resize(name.size() - 9);
    return true;
  }
  if (last.size() == 4 && !last.starts_with("20") && last <= "1231") {
    name.resize(name.size() - 5);
    return true;
  }
  if (last.size() == 3 && last.starts_with("00")) {
    name.resize(name.size() - 4);
    return true;
  }
  const std::string_view rest =
      last.empty() ? std::string_view() : std::string_view(name).substr(0, name.size() - last.size() - 1);
  const std::string_view second = number_at_end(rest);
  if (last.size() == 4 && last.starts_with("20") && is_month_day(second)) {
    name.resize(name.size() - 8);
    return true;
  }
  const std::string_view third =
      second.empty() ? std::string_view() : number_at_end(rest.substr(0, rest.size() - second.size() - 1));
  if (is_month_day(last) && is_month_day(second) && third.size() == 4 && third.starts_with("20")) {
    name.resize(name.size() - 11);
    return true;
  }
  return false;
}

bool drop_ending(std::string& name, std::string_view ending) {
  if (!name.ends_with(ending) || name.size() == ending.size()) return false;
  name.resize(name.size() - ending.size());
  return true;
}

}  // namespace

Label SelfIdentificationAudit::judge(const Answered& pair) const {
  std::vector<std::string> vendors;
  std::string words;
  for (const auto& [text, where] : {std::pair(pair.text, "the text"), std::pair(pair.reasoning, "the reasoning")}) {
    for (const SelfIdentification& claim : self_identifications(text)) {
      if (std::find(vendors.begin(), vendors.end(), claim.vendor) != vendors.end()) continue;
      if (vendors.empty()) words = std::string(where) + " says: " + visible_line(claim.span);
      vendors.push_back(claim.vendor);
    }
  }
  std::sort(vendors.begin(), vendors.end());
  Label label;
  for (const std::string& vendor : vendors) label.value += (label.value.empty() ? "" : ", ") + vendor;
  if (label.found()) label = {label.value, words, 1};
  return label;
}

std::string normalised_model(std::string_view name) {
  while (name.ends_with('/')) name.remove_suffix(1);
  if (const std::size_t slash = name.rfind('/'); slash != std::string_view::npos) name.remove_prefix(slash + 1);
  std::string normal = lower_ascii(trimmed(name));
  std::replace_if(
      normal.begin(), normal.end(), [](char c) { return c == '_' || c == '.' || c == ' ' || c == '@'; }, '-');
  drop_ending(normal, "-gguf");
  for (bool dropped = true; dropped;) {
    dropped = drop_ending(normal, "-latest") || drop_ending(normal, ":latest") || drop_ending(normal, "-preview") ||
              drop_date(normal);
  }
  return normal;
}

bool same_model(std::string_view asked, std::string_view served) {
  return normalised_model(asked) == normalised_model(served);
}

Label ServedModelAudit::judge(const Answered& pair) const {
  if (trimmed(pair.model_served).empty() || trimmed(pair.model_asked).empty()) return {};
  if (same_model(pair.model_asked, pair.model_served)) return {};
  return {"other_model",
          "asked for " + shortened(visible_line(pair.model_asked), kNameBytesMax) + ", served " +
              shortened(visible_line(pair.model_served), kNameBytesMax),
          1};
}

}  // namespace retort
