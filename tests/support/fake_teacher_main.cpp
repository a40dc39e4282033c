// The fake teacher for shells:  fake-teacher [--port N] [--latency-ms N] [--latency-spread-ms N] [SCENARIO]
// Prints its base URL, serves until its standard input ends or a signal comes, then prints its books as JSON. While it
// runs, GET /books answers the same.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>

#include "tests/support/fake_teacher.h"
#include "tests/support/wire_faults.h"

namespace {

volatile std::sig_atomic_t stopped = 0;

int usage() {
  std::cerr << "usage: fake-teacher [--port N] [--latency-ms N] [--latency-spread-ms N] [SCENARIO]\nfaults:";
  for (const std::string& name : retort::wire_fault_names()) std::cerr << ' ' << name;
  std::cerr << '\n';
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  retort::FakeTeacherOptions options;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    const bool has_value = i + 1 < argc;
    if (argument == "--port" && has_value) {
      options.port = std::atoi(argv[++i]);
    } else if (argument == "--latency-ms" && has_value) {
      options.latency = std::chrono::milliseconds(std::atoi(argv[++i]));
    } else if (argument == "--latency-spread-ms" && has_value) {
      options.latency_spread = std::chrono::milliseconds(std::atoi(argv[++i]));
    } else if (argument.starts_with("--")) {
      return usage();
    } else {
      options.scenario = argument;
    }
  }
  const auto teacher = retort::FakeTeacher::start(options);
  if (!teacher) {
    std::cerr << teacher.error().message << '\n';
    return usage();
  }
  struct sigaction action {};
  action.sa_handler = [](int) { stopped = 1; };  // without SA_RESTART: a read in progress ends
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  std::cout << (*teacher)->base_url() << std::endl;
  while (stopped == 0 && std::getchar() != EOF) {
  }
  std::cout << (*teacher)->books_json() << std::endl;
  return 0;
}
