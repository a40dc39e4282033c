// Wiring only: the one place that knows everyone.
#include <unistd.h>
#include <csignal>
#include <cstdio>

#include "cli/commands.h"
#include "core/net/curl_transport.h"
#include "storage/sqlite_corpora.h"

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // a closed pipe is an error of one write, not the end of a harvest
  retort::SystemClock clock;
  retort::SqliteCorpora corpora(clock);
  retort::Edges edges{
      clock,
      corpora,
      [&clock](const retort::TransportSettings& settings) { return retort::make_curl_transport(settings, clock); },
      {}};
  const int status = retort::run_command_line(std::vector<std::string>(argv + 1, argv + argc), edges);
  std::fflush(stdout);
  // Not through exit(): a loaded student's libraries take longer to tear down than most commands take to run.
  _exit(status);
}
