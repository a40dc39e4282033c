// Every way in which a teacher's wire can go wrong, by name: what is sent and how the connection ends.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/instant.h"
#include "core/serve/openai_protocol.h"

namespace retort {

struct WireReply {
  enum class End {
    keep,   ///< the connection stays for the next request
    close,  ///< FIN
    reset,  ///< RST
    stale,  ///< RST once the client uses the connection again
    stall,  ///< silence until the client goes
    drip,   ///< `again` once every `pause`, until the client goes
    flood,  ///< `again` without end
  };
  std::string bytes = {};
  End end = End::keep;
  bool answers = false;  ///< a complete and valid answer: counts as delivered
  int status = 0;        ///< 0 if it is no HTTP
  std::string again = {};
  Duration pause{};
};

/// What a fault is made from: the right answer, the request's credential, and the rule's argument.
struct WireFaultInput {
  const ChatAnswer& answer;
  std::string authorization;
  std::string argument;  ///< of Retry-After or Location; empty for the fault's own default
  bool stream = false;
  WallTime now = {};
};

/// The names of all faults; "ok" is one.
std::vector<std::string> wire_fault_names();
/// Nothing if there is no such fault.
std::optional<WireReply> wire_fault(std::string_view name, const WireFaultInput& input);

}  // namespace retort
