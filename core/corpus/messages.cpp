#include "core/corpus/messages.h"

#include <utility>

#include "core/base/hash.h"

namespace retort {

Messages::Messages(Json messages) : made_(make(std::move(messages))) {}

std::shared_ptr<const Messages::Made> Messages::make(Json messages) {
  auto made = std::make_shared<Made>();
  made->json = std::move(messages);
  made->text = dump_json(made->json);
  std::string canonical = canonical_json(made->json);
  made->digest = sha256_hex(canonical);
  if (canonical != made->text) made->canonical = std::move(canonical);
  return made;
}

const Messages::Made& Messages::made() const {
  static const std::shared_ptr<const Made> kEmpty = make(Json::array());
  return made_ ? *made_ : *kEmpty;
}

}  // namespace retort
