// A conversation as it is asked. The same text of it goes into its digest, into the corpus and onto the wire, so it is
// written once, by whoever reads the prompt, and shared from there on.
#pragma once

#include <memory>
#include <string>

#include "core/base/json.h"

namespace retort {

/// An array of {role, content}; immutable, cheap to copy. Its copies may be used by several threads.
class Messages {
 public:
  Messages() = default;  ///< an empty array
  Messages(Json messages);
  /// Gives another value; what shared the old one keeps it.
  Messages& operator=(Json messages) { return *this = Messages(std::move(messages)); }

  const Json& json() const { return made().json; }
  /// dump_json() of it.
  const std::string& text() const { return made().text; }
  /// canonical_json() of it.
  const std::string& canonical() const { return made().canonical.empty() ? made().text : made().canonical; }
  /// SHA-256 of the canonical text: the identity of a prompt.
  const std::string& digest() const { return made().digest; }

 private:
  struct Made {
    Json json = Json::array();
    std::string text, digest;
    std::string canonical;  ///< empty where it is the text
  };
  static std::shared_ptr<const Made> make(Json messages);
  const Made& made() const;

  std::shared_ptr<const Made> made_;
};

}  // namespace retort
