// Any bytes may be an answer, a prompt or reasoning: every audit ends, says what it says on one line, and shows no
// secret.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/assert.h"
#include "core/base/text.h"
#include "core/curate/audit/audit.h"
#include "core/curate/audit/personal_data.h"
#include "core/curate/audit/repetition.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto kAudits = retort::standard_audits();
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  retort::Answered pair;
  pair.text = bytes.substr(0, size / 2);
  pair.reasoning = bytes.substr(size / 2);
  pair.prompt = bytes.substr(size / 4, size / 2);
  pair.model_asked = bytes.substr(0, size / 8);
  pair.model_served = bytes.substr(size / 8, size / 8);
  for (const auto& audit : kAudits) {
    const retort::Label label = audit->judge(pair);
    RETORT_ASSERT(label.reason.find('\n') == std::string::npos && label.reason.size() <= 300);
    RETORT_ASSERT(retort::is_valid_utf8(label.reason) && retort::is_valid_utf8(label.value));
    RETORT_ASSERT(label.score >= 0 && label.score <= 1);
  }
  std::size_t at = 0;
  for (const retort::PersonalData& found : retort::personal_data_in(bytes)) {
    RETORT_ASSERT(found.begin >= at && found.begin < found.end && found.end <= size);
    at = found.end;
  }
  const retort::Loop loop = retort::longest_loop(bytes);
  RETORT_ASSERT(loop.begin <= loop.end && loop.end <= size);
  for (std::size_t i = loop.begin + loop.period; i < loop.end; ++i) RETORT_ASSERT(bytes[i] == bytes[i - loop.period]);
  return 0;
}
