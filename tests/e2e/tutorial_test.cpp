// The tutorial is true: its blocks run in order, in one shell and an empty folder, and say what the page says they do.
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <regex>
#include <sstream>

#include "tests/catch.h"
#include "tests/support/program.h"

namespace retort {
namespace {

constexpr const char* kPortOfThePage = "8080";
constexpr const char* kTrainHeading = "## Train a student";

struct Step {
  std::string script;    ///< a ```sh block
  std::string expected;  ///< the ```text block behind it, if there is one
  bool trains = false;   ///< in the part that needs the student module
};

std::vector<Step> steps_of(const std::string& page) {
  std::vector<Step> steps;
  std::istringstream lines(page);
  std::string* block = nullptr;
  bool trains = false;
  for (std::string line; std::getline(lines, line);) {
    if (block != nullptr) {
      line == "```" ? block = nullptr : &block->append(line + "\n");
    } else if (line == "```sh") {
      steps.push_back({{}, {}, trains});
      block = &steps.back().script;
    } else if (line == "```text") {
      REQUIRE(!steps.empty());
      REQUIRE(steps.back().expected.empty());
      block = &steps.back().expected;
    } else if (line == kTrainHeading) {
      trains = true;
    }
  }
  return steps;
}

/// A line of a page as a pattern: "…" stands for anything.
std::regex pattern_of(const std::string& line) {
  static const std::regex special(R"([.^$|()\[\]{}*+?\\])");
  const std::string escaped = std::regex_replace(line, special, R"(\$&)");
  return std::regex(std::regex_replace(escaped, std::regex("…"), ".*"));
}

/// The lines of `expected` that `output` lacks; each may stand anywhere, as a part of a line.
std::string missing(const std::string& expected, const std::string& output) {
  std::string result;
  std::istringstream lines(expected);
  for (std::string line; std::getline(lines, line);) {
    if (!line.empty() && !std::regex_search(output, pattern_of(line))) result += line + "\n";
  }
  return result;
}

int free_port() {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  const bool found = bind(fd, generic, size) == 0 && getsockname(fd, generic, &size) == 0;
  close(fd);
  if (!found) throw std::runtime_error("no free port");
  return ntohs(address.sin_port);
}

std::string with_port(const std::string& text, const std::string& port) {
  return std::regex_replace(text, std::regex(std::string("\\b") + kPortOfThePage + "\\b"), port);
}

bool student_is_there() {
  return std::getenv("RETORT_STUDENT_MODULE") != nullptr ||
         std::filesystem::exists(RETORT_BINARY_DIR "/retort-student.so");
}

std::string mark(std::size_t step) { return "@@ step " + std::to_string(step) + "\n"; }

/// One shell for all steps; both streams as a terminal would show them, with a mark before each step.
std::string script_of(const std::vector<Step>& steps) {
  std::string script = "exec 2>&1\ntrap 'kill \"${teacher:-}\" 2>/dev/null || true' EXIT\n";
  for (std::size_t i = 0; i < steps.size(); ++i)
    script += "printf '" + mark(i).substr(0, mark(i).size() - 1) + "\\n'\n" + steps[i].script;
  return script;
}

/// Runs a script with the built program on the PATH. timeout(1) ends its background jobs with it.
ProgramEnd run_in(const TemporaryFolder& folder, const std::string& script) {
  write_bytes(folder.path("script"), script);
  ProgramSetup setup;
  setup.executable = "/usr/bin/timeout";
  setup.arguments = {"300", "/bin/sh", "-eu", folder.path("script")};
  std::filesystem::create_directory(folder.path("work"));
  setup.folder = folder.path("work");
  setup.environment["PATH"] = std::string(RETORT_BINARY_DIR) + ":" + std::getenv("PATH");
  setup.environment["HOME"] = folder.path();
  return Program(setup).wait(std::chrono::seconds(320));
}

}  // namespace

TEST_CASE("the tutorial does what it says, from nothing to a trained student", "[e2e][docs]") {
  std::vector<Step> steps = steps_of(read_bytes(RETORT_SOURCE_DIR "/docs/tutorial.md"));
  REQUIRE(steps.size() > 10);
  REQUIRE(steps.back().trains);
  const std::string port = std::to_string(free_port());
  for (Step& step : steps) {
    step.script = with_port(step.script, port);
    step.expected = with_port(step.expected, port);
  }
  std::size_t run = steps.size();
  if (!student_is_there()) {
    // The page says that it ends here then, and how the first of these commands puts it.
    run = 0;
    while (!steps[run].trains) ++run;
    steps[run].expected =
        "the student module (retort-student.so) is not there…: install libtorch-dev and build with -DRETORT_STUDENT=ON";
    steps.resize(++run);
  }
  const TemporaryFolder folder;
  const ProgramEnd end = run_in(folder, script_of(steps));
  INFO(end.out);
  CHECK(end.code == (student_is_there() ? 0 : 2));
  int lines = 0;
  for (std::size_t i = 0; i < run; ++i) {
    const std::size_t begin = end.out.find(mark(i));
    REQUIRE(begin != std::string::npos);
    const std::string output = end.out.substr(begin, end.out.find("@@ step", begin + 1) - begin);
    CAPTURE(i, steps[i].script);
    CHECK(missing(steps[i].expected, output) == "");
    lines += static_cast<int>(std::count(steps[i].expected.begin(), steps[i].expected.end(), '\n'));
  }
  CHECK(lines > 20);
}

TEST_CASE("a tutorial that promises too much is found out", "[e2e][docs]") {
  CHECK(missing("a … c\n", "x a b c y\n") == "");
  CHECK(missing("cost $… (1 of 2)\n", "cost $0.035 (1 of 2)\n") == "");
  CHECK(missing("a … d\n", "a b c\nd\n") == "a … d\n");
  CHECK(missing("a.c\n", "abc\n") == "a.c\n");
  const auto steps = steps_of("```sh\ntrue\n```\n```text\nyes\n```\n## Train a student\n```sh\nfalse\n```\n");
  REQUIRE(steps.size() == 2);
  CHECK(steps[0].script == "true\n");
  CHECK(steps[0].expected == "yes\n");
  CHECK(steps[1].trains);
  const TemporaryFolder folder;
  const ProgramEnd end =
      run_in(folder, script_of({{"echo one\n", {}, false}, {"false\n", {}, false}, {"echo two\n", {}, false}}));
  CHECK(end.code == 1);
  CHECK(end.out == "@@ step 0\none\n@@ step 1\n");
}

}  // namespace retort
