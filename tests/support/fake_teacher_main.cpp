// The fake teacher for shells:  fake-teacher [--port N] [--latency-ms N] [--latency-spread-ms N] [SCENARIO]
// or:  fake-teacher --batches [--batch-looks N] [--batch-end WORD] [--batch-executed N] [--batch-bad TEXT], which
// serves the batch APIs instead (tests/support/fake_batches.h). Prints its base URL, serves until its standard input
// ends or a signal comes, then prints its books as JSON. While it runs, GET /books answers the same.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>

#include "tests/support/fake_batch_server.h"
#include "tests/support/fake_teacher.h"
#include "tests/support/wire_faults.h"

namespace {

volatile std::sig_atomic_t stopped = 0;

void serve_until_told() {
  struct sigaction action {};
  action.sa_handler = [](int) { stopped = 1; };  // without SA_RESTART: a read in progress ends
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  while (stopped == 0 && std::getchar() != EOF) {
  }
}

int usage() {
  std::cerr << "usage: fake-teacher [--port N] [--latency-ms N] [--latency-spread-ms N] [SCENARIO]\nfaults:";
  for (const std::string& name : retort::wire_fault_names()) std::cerr << ' ' << name;
  std::cerr << '\n';
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  retort::FakeTeacherOptions options;
  retort::FakeBatchPlan batches;
  bool serves_batches = false;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    const bool has_value = i + 1 < argc;
    if (argument == "--port" && has_value) {
      options.port = std::atoi(argv[++i]);
    } else if (argument == "--latency-ms" && has_value) {
      options.latency = std::chrono::milliseconds(std::atoi(argv[++i]));
    } else if (argument == "--latency-spread-ms" && has_value) {
      options.latency_spread = std::chrono::milliseconds(std::atoi(argv[++i]));
    } else if (argument == "--batches") {
      serves_batches = true;
    } else if (argument == "--batch-looks" && has_value) {
      batches.looks = std::atoi(argv[++i]);
    } else if (argument == "--batch-end" && has_value) {
      batches.end = argv[++i];
    } else if (argument == "--batch-executed" && has_value) {
      batches.executed_max = std::atoi(argv[++i]);
    } else if (argument == "--batch-bad" && has_value) {
      batches.bad = argv[++i];
    } else if (argument.starts_with("--")) {
      return usage();
    } else {
      options.scenario = argument;
    }
  }
  if (serves_batches) {
    const retort::FakeBatchServer server(batches);
    std::cout << server.origin() << "/v1" << std::endl;
    serve_until_told();
    return 0;
  }
  const auto teacher = retort::FakeTeacher::start(options);
  if (!teacher) {
    std::cerr << teacher.error().message << '\n';
    return usage();
  }
  std::cout << (*teacher)->base_url() << std::endl;
  serve_until_told();
  std::cout << (*teacher)->books_json() << std::endl;
  return 0;
}
