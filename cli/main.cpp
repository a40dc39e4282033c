// Wiring only: the one place that knows everyone.
#include <unistd.h>
#include <csignal>
#include <cstdio>
#include <new>

#include "cli/batch.h"
#include "cli/commands.h"
#include "cli/merge.h"
#include "core/net/curl_transport.h"
#include "core/process/bubblewrap.h"
#include "core/process/shell_program.h"
#include "core/process/small_file.h"
#include "storage/batch_corpora.h"
#include "storage/merge.h"
#include "storage/pace_file.h"
#include "storage/sqlite_corpora.h"

int main(int argc, char** argv) {
  std::set_new_handler([] {
    constexpr char kWords[] = "retort: out of memory; what was stored is safe: run the same command again with more\n";
    [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, kWords, sizeof kWords - 1);
    _exit(1);
  });
  std::signal(SIGPIPE, SIG_IGN);  // a closed pipe is an error of one write, not the end of a harvest
  retort::SystemClock clock;
  retort::SqliteCorpora corpora(clock);
  retort::SqliteBatchCorpora batches(clock);
  retort::use_batches_of(batches);
  retort::Edges edges{
      clock,
      corpora,
      [&clock](const retort::TransportSettings& settings) { return retort::make_curl_transport(settings, clock); },
      [](const std::string& key) { return retort::open_shared_pace(key); },
      {}};
  const auto sandbox = retort::make_bubblewrap(clock, retort::interrupted);
  edges.graders = {sandbox.get(), retort::shell_programs(clock, retort::interrupted), retort::read_small_file};
  retort::merge_by([&clock](const retort::MergeOrder& order) { return retort::merge_corpora(clock, order); });
  const int status = retort::run_command_line(std::vector<std::string>(argv + 1, argv + argc), edges);
  if (std::fflush(stdout) != 0) retort::stdout_failed();
  // Not through exit(): a loaded student's libraries take longer to tear down than most commands take to run.
  _exit(status);
}
