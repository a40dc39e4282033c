// How a command is wired: each file of this folder adds one subcommand to the parser and leaves behind what to do.
// Parsing does no I/O; an Action validates everything once, then acts.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "core/base/clock.h"
#include "core/base/result.h"
#include "core/corpus/corpus.h"
#include "core/grade/make_grader.h"
#include "core/harvest/pace.h"
#include "core/net/transport.h"

namespace retort {

struct TransportSettings;

/// The real edges, made by main.cpp and by nobody else.
struct Edges {
  const Clock& clock;
  CorpusOpener& corpora;
  std::function<Result<std::unique_ptr<Transport>>(const TransportSettings&)> make_transport;
  /// The pace of the teacher of that key, shared by the processes of this machine.
  std::function<Result<std::unique_ptr<PaceBook>>(const std::string& key)> open_pace;
  std::vector<std::string> command_line;  ///< as typed, for the record of runs
  GraderTools graders = {};               ///< the sandbox, commands, files
};

/// 0 or 3 (finished, some rows failed) on success; an Error says the rest (cli/exit_codes.h).
using Action = std::function<Result<int>(Edges&)>;

// Each adds its subcommand to `app` and, if that one is chosen, sets `action`.
void add_harvest(CLI::App& app, Action& action);
void add_status(CLI::App& app, Action& action);
void add_show(CLI::App& app, Action& action);
void add_teacher(CLI::App& app, Action& action);
void add_prompts(CLI::App& app, Action& action);
void add_curate(CLI::App& app, Action& action);
void add_audit(CLI::App& app, Action& action);
void add_import(CLI::App& app, Action& action);
void add_terms(CLI::App& app, Action& action);
void add_costs(CLI::App& app, Action& action);
void add_verify_manifest(CLI::App& app, Action& action);
void add_trace(CLI::App& app, Action& action);
void add_export(CLI::App& app, Action& action);
void add_serve(CLI::App& app, Action& action);
void add_train(CLI::App& app, Action& action);
void add_convert(CLI::App& app, Action& action);
void add_generate(CLI::App& app, Action& action);
void add_eval(CLI::App& app, Action& action);
void add_demo(CLI::App& app, Action& action);
void add_fsck(CLI::App& app, Action& action);
void add_snapshot(CLI::App& app, Action& action);
void add_forget(CLI::App& app, Action& action);
void add_decode(CLI::App& app, Action& action);

/// Data goes to stdout (or a file), talk to stderr. Ends the process quietly if the reader of stdout is gone.
void print_line(const std::string& line);
/// Ends the process after a failed write to stdout, by errno: quietly if its reader is gone, else with a word (exit 8).
[[noreturn]] void stdout_failed();
/// One line of talk on stderr, plain text.
void say(const std::string& line);

/// True once SIGINT or SIGTERM arrived; a second signal ends the process at once (exit 130 or 143).
bool interrupted();
/// 130 or 143, after interrupted().
int interrupted_exit_code();
/// Called from the signal handler's thread context when the first signal arrives: must be async-signal-safe
/// (Transport::wake is).
void on_interrupt(std::function<void()> wake);

}  // namespace retort
