// What every command shares with its surroundings: signals, standard output, talk.
#include <unistd.h>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>

#include "cli/command.h"

namespace retort {
namespace {

volatile std::sig_atomic_t g_signal = 0;
std::function<void()>& wake_on_interrupt() {
  static std::function<void()> wake;
  return wake;
}

extern "C" void on_signal(int signal) {
  if (g_signal != 0) _exit(128 + signal);  // the second one: at once; what is recorded is recorded
  g_signal = signal;
  if (const auto& wake = wake_on_interrupt()) wake();
}

}  // namespace

bool interrupted() { return g_signal != 0; }

int interrupted_exit_code() { return 128 + (g_signal == 0 ? SIGINT : static_cast<int>(g_signal)); }

void on_interrupt(std::function<void()> wake) {
  // No signal may see the function half exchanged.
  sigset_t ours, before;
  sigemptyset(&ours);
  sigaddset(&ours, SIGINT);
  sigaddset(&ours, SIGTERM);
  sigaddset(&ours, SIGHUP);
  pthread_sigmask(SIG_BLOCK, &ours, &before);
  wake_on_interrupt() = std::move(wake);
  static const bool installed = [] {
    struct sigaction action {};
    action.sa_handler = on_signal;
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, nullptr);
    sigaction(SIGTERM, &action, nullptr);
    // A terminal that goes away: what is on the wire is paid for. Under nohup the signal is ignored, and stays so.
    struct sigaction hangup {};
    sigaction(SIGHUP, nullptr, &hangup);
    if (hangup.sa_handler != SIG_IGN) sigaction(SIGHUP, &action, nullptr);
    return true;
  }();
  (void)installed;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void stdout_failed() {
  if (errno == EPIPE) _exit(128 + SIGPIPE);  // as if the signal had ended us: what shells expect of a closed pipe
  std::perror("retort: cannot write to standard output");
  _exit(8);
}

void print_line(const std::string& line) {
  const bool written =
      std::fwrite(line.data(), 1, line.size(), stdout) == line.size() && std::fputc('\n', stdout) != EOF;
  if (!written) stdout_failed();
}

}  // namespace retort
