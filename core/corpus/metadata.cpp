#include "core/corpus/metadata.h"

#include <utility>

namespace retort {

Json metadata_of(Json fields) {
  if (const auto nested = fields.find("metadata"); nested != fields.end() && nested->is_object()) {
    const Json members = std::exchange(*nested, {});
    fields.erase("metadata");
    for (const auto& [name, value] : members.items()) {
      if (!fields.contains(name)) fields[name] = value;
    }
  }
  return fields.empty() ? Json() : fields;
}

}  // namespace retort
