// Bugs to plant, so that every checker is seen to catch one. Each stands between the harvester and its ports and
// changes what passes; the harvester itself has no switch for it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/corpus/corpus.h"
#include "core/net/transport.h"

namespace retort::simulation {

class Sabotage {
 public:
  virtual ~Sabotage() = default;
  virtual void entry(LogEntry&) {}                       ///< on its way to the log
  virtual void log_events(std::vector<LogEvent>&) {}     ///< on their way to the harvester
  virtual void net_events(std::vector<NetEvent>&) {}     ///< likewise
  virtual bool sends_twice() { return false; }           ///< the request that is just being sent
  virtual bool skips_prompt() { return false; }          ///< the one that is just being read
  virtual bool swallows_pause() { return false; }        ///
  virtual bool hides_signal() { return false; }          ///
  virtual Duration clock_ahead(Duration) { return {}; }  ///< of a clock that has run for so long
};

/// By name; nothing for an empty one.
std::unique_ptr<Sabotage> make_sabotage(const std::string& bug);

}  // namespace retort::simulation
