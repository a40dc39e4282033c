// Hostile programs in the real sandbox: each test proves that something they want does not happen outside.
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "core/base/clock.h"
#include "core/grade/code_grader.h"
#include "core/process/bubblewrap.h"
#include "tests/catch.h"
#include "tests/support/temporary_folder.h"

namespace retort {
namespace {

namespace fs = std::filesystem;
using Why = SandboxEnd::Why;

const SystemClock& real_clock() {
  static const SystemClock made;
  return made;
}

// Nothing where no sandbox can run: then the tests say so and prove nothing.
Sandbox* sandbox() {
  static const std::unique_ptr<Sandbox> made = make_bubblewrap(real_clock(), {});
  static const std::string why = [] {
    SandboxJob job;
    job.command = {"true"};
    const auto ends = made->run({&job, 1});
    return ends ? std::string() : ends.error().message;
  }();
  if (why.empty()) return made.get();
  WARN("skipped: " << why);
  return nullptr;
}

SandboxJob python(const std::string& program) {
  SandboxJob job;
  job.command = {"python3", "-I", "-B", "a.py"};
  job.files["a.py"] = program;
  job.limits.wall = 4s;
  job.limits.cpu = 2s;
  job.limits.memory_bytes = 256ULL << 20;
  return job;
}

SandboxEnd run(const SandboxJob& job) {
  auto ends = sandbox()->run({&job, 1});
  REQUIRE_OK(ends);
  return ends->front();
}

bool has_python() { return fs::exists("/usr/bin/python3"); }

// Processes of the machine whose command line has `mark`.
int processes_with(const std::string& mark) {
  int count = 0;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const std::string name = entry.path().filename().string();
    if (!std::all_of(name.begin(), name.end(), [](char c) { return c >= '0' && c <= '9'; })) continue;
    std::ifstream file(entry.path() / "cmdline", std::ios::binary);
    std::stringstream words;
    words << file.rdbuf();
    if (words.str().find(mark) != std::string::npos) ++count;
  }
  return count;
}

// On a machine so busy that the guard itself had to be killed, the kernel clears up a moment later.
bool are_gone(const std::string& mark) {
  for (int i = 0; i < 200 && processes_with(mark) > 0; ++i) std::this_thread::sleep_for(50ms);
  return processes_with(mark) == 0;
}

}  // namespace

#define NEED_SANDBOX() \
  if (sandbox() == nullptr || !has_python()) return

TEST_CASE("an ordinary program runs, reads and answers", "[sandbox]") {
  NEED_SANDBOX();
  SandboxJob job = python("import sys\nprint(sum(map(int, sys.stdin.read().split())))\nprint('e', file=sys.stderr)");
  job.input = "1 2 39\n";
  const SandboxEnd end = run(job);
  CHECK(end.why == Why::exited);
  CHECK(end.code == 0);
  CHECK(end.out == "42\n");
  CHECK(end.err == "e\n");
  const std::vector<SandboxJob> many(7, job);
  const auto ends = sandbox()->run(many);
  REQUIRE_OK(ends);
  CHECK(std::all_of(ends->begin(), ends->end(), [](const SandboxEnd& one) { return one.out == "42\n"; }));
  CHECK(run(python("raise SystemExit(7)")).code == 7);
}

TEST_CASE("a fork bomb stays small and is gone afterwards", "[sandbox]") {
  NEED_SANDBOX();
  SandboxJob job = python(
      "import os, time\n"
      "made = 0\n"
      "try:\n"
      "    while made < 500:\n"
      "        if os.fork() == 0:\n"
      "            time.sleep(60)\n"
      "        made += 1\n"
      "except OSError:\n"
      "    print(made, flush=True)\n"
      "time.sleep(60)\n");
  job.files["fork_bomb_of_the_sandbox_test"] = "";
  job.command.push_back("fork_bomb_of_the_sandbox_test");
  const SandboxEnd end = run(job);
  CHECK(end.why == Why::out_of_time);
  REQUIRE_FALSE(end.out.empty());
  CHECK(std::stoi(end.out) > 0);
  CHECK(std::stoi(end.out) < job.limits.processes);
  CHECK(are_gone("fork_bomb_of_the_sandbox_test"));
  SandboxJob shell = python("");
  shell.command = {"sh", "-c", "b() { b | b & }; b; sleep 60", "fork_bomb_of_the_sandbox_test"};
  run(shell);
  CHECK(are_gone("fork_bomb_of_the_sandbox_test"));
}

TEST_CASE("endless output, endless loops and endless waiting end", "[sandbox]") {
  NEED_SANDBOX();
  const SandboxEnd loud = run(python("while True: print('x' * 1000)"));
  CHECK(loud.why == Why::too_much_output);
  CHECK(loud.out.size() == SandboxLimits().output_bytes);
  CHECK(loud.wall < 3s);
  CHECK(run(python("while True: pass")).why == Why::out_of_time);
  CHECK(run(python("import time\ntime.sleep(99)")).why == Why::out_of_time);
  const SandboxEnd deaf =
      run(python("import signal, os, time\n"
                 "for s in range(1, 64):\n"
                 "    try: signal.signal(s, signal.SIG_IGN)\n"
                 "    except (OSError, ValueError): pass\n"
                 "os.setsid() if os.fork() == 0 else None\n"
                 "time.sleep(99)"));
  CHECK(deaf.why == Why::out_of_time);
}

TEST_CASE("memory is limited, of one process and of all", "[sandbox]") {
  NEED_SANDBOX();
  const SandboxEnd one = run(python("a = bytearray(1 << 30)"));
  CHECK(one.code != 0);
  CHECK(one.err.find("MemoryError") != std::string::npos);
  const SandboxEnd all =
      run(python("import os, time\n"
                 "for i in range(8):\n"
                 "    if os.fork() == 0:\n"
                 "        a = bytearray(b'x') * (100 << 20)\n"
                 "        time.sleep(60)\n"
                 "time.sleep(60)\n"));
  CHECK(all.why == Why::out_of_memory);
  const SandboxEnd shared =
      run(python("import ctypes\n"
                 "libc = ctypes.CDLL(None, use_errno=True)\n"
                 "print(libc.shmget(0, 1 << 20, 0o1600), libc.memfd_create(b'a', 0), libc.unshare(0x10000000))\n"));
  CHECK(shared.out == "-1 -1 -1\n");
}

TEST_CASE("nothing outside can be written, and nobody's files are seen", "[sandbox]") {
  NEED_SANDBOX();
  const TemporaryFolder folder;
  fs::permissions(folder.path(), fs::perms::all);
  write_bytes(folder.path("secret"), "key");
  const std::string target = folder.path("written");
  const SandboxEnd end =
      run(python("import os\n"
                 "for place in ['" +
                 target +
                 "', '/usr/bin/evil', '/etc/evil', '/evil', '/dev/evil', '/proc/sys/kernel/core_pattern']:\n"
                 "    try:\n"
                 "        open(place, 'w').write('x')\n"
                 "        print('wrote', place)\n"
                 "    except OSError: pass\n"
                 "for place in ['" +
                 folder.path("secret") +
                 "', '/etc/passwd', '/etc/shadow', '/root', '/home']:\n"
                 "    if os.path.exists(place): print('sees', place)\n"
                 "open('/sandbox/mine', 'w').write('x'); open('/tmp/mine', 'w').write('x')\n"
                 "print('done', os.getuid(), os.environ.get('HOME'), len(os.environ))\n"));
  CHECK(end.out.starts_with("done 65534 /sandbox "));
  CHECK_FALSE(fs::exists(target));
  const SandboxEnd big =
      run(python("try:\n    f = open('/tmp/a', 'wb')\n    for i in range(100): f.write(bytes(1 << 20)); f.flush()\n"
                 "except OSError as e: print('stopped')\n"
                 "try:\n"
                 "    for i in range(40):\n"
                 "        with open('/sandbox/%d' % i, 'wb') as f: f.write(bytes(1 << 20))\n"
                 "except OSError as e: print('full')\n"));
  CHECK((big.out == "stopped\nfull\n" || big.why == Why::signalled));  // SIGXFSZ ends what does not ignore it
  CHECK_FALSE(fs::exists("/tmp/mine"));
}

TEST_CASE("there is no network, not even this machine's", "[sandbox]") {
  NEED_SANDBOX();
  const int server = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(bind(server, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  REQUIRE(listen(server, 1) == 0);
  socklen_t size = sizeof address;
  getsockname(server, reinterpret_cast<sockaddr*>(&address), &size);
  const SandboxEnd end =
      run(python("import socket\n"
                 "for place in [('127.0.0.1', " +
                 std::to_string(ntohs(address.sin_port)) +
                 "), ('10.0.0.1', 80), ('8.8.8.8', 53)]:\n"
                 "    try:\n"
                 "        socket.create_connection(place, timeout=0.3)\n"
                 "        print('connected', place)\n"
                 "    except OSError: pass\n"
                 "print('done')\n"));
  close(server);
  CHECK(end.out == "done\n");
}

TEST_CASE("it cannot kill its parent, its guard, or anybody", "[sandbox]") {
  NEED_SANDBOX();
  const SandboxEnd end =
      run(python("import os, signal\n"
                 "for pid in [1, os.getppid(), " +
                 std::to_string(getpid()) +
                 ", -1]:\n"
                 "    try: os.kill(pid, signal.SIGKILL)\n"
                 "    except OSError: pass\n"
                 "print('still here', flush=True)\n"));
  CHECK(end.wall < 4s);
  CHECK(run(python("print('next')")).out == "next\n");  // we are alive, and so is the sandbox
}

TEST_CASE("programs are graded by their tests, and cheats are not taken for right", "[sandbox][grade]") {
  NEED_SANDBOX();
  SandboxLimits limits;
  limits.wall = 5s;
  const auto grader = code_grader("python", sandbox(), limits);
  REQUIRE_OK(grader);
  const auto judged = [&](const std::string& program, const Json& metadata) {
    GradeInput input;
    const std::string answer = "Here it is:\n```python\n" + program + "\n```\nDone.";
    input.answer = answer;
    input.metadata = &metadata;
    const auto verdicts = (*grader)->grade_all({&input, 1});
    REQUIRE_OK(verdicts);
    return verdicts->front();
  };
  const Json asserted = {{"tests", "assert add(1, 2) == 3\nassert add(-1, 1) == 0"}};
  CHECK(judged("def add(a, b):\n    return a + b", asserted).kind == Grade::Kind::right);
  CHECK(judged("def add(a, b):\n    return a - b", asserted).kind == Grade::Kind::wrong);
  for (const char* cheat : {"import sys; sys.exit(0)", "import os; os._exit(0)", "print('0' * 64)", "raise SystemExit",
                            "import sys\nprint(sys.stdin.readline())\nimport os\nos._exit(0)", "while True: pass"}) {
    CAPTURE(cheat);
    CHECK(judged(cheat, asserted).kind == Grade::Kind::wrong);
  }
  const Json human = {{"test", "def check(candidate):\n    assert candidate(2) == 4\n"}, {"entry_point", "square"}};
  CHECK(judged("def square(x): return x * x", human).kind == Grade::Kind::right);
  CHECK(judged("def square(x): return x + 3", human).kind == Grade::Kind::wrong);
  const Json printed = {{"tests", {{{"input", "1 2\n"}, {"output", "3\n"}}, {{"input", "5 5\n"}, {"output", "10"}}}}};
  CHECK(judged("print(sum(map(int, input().split())))", printed).kind == Grade::Kind::right);
  const Grade half = judged("print(3)", printed);
  CHECK(half.kind == Grade::Kind::wrong);
  CHECK(half.score == 0.5);
  CHECK(half.reason == "1 of 2 tests passed; test 2: it printed '3' at the end, not '10'");
  CHECK(judged("print(1)", Json::object()).kind == Grade::Kind::ungradable);
  // Numbers are what is printed for them.
  const Json numbers = {{"tests", {{{"input", 4}, {"output", 5}}}}};
  CHECK(judged("print(int(input()) + 1)", numbers).kind == Grade::Kind::right);
  CHECK(judged("int(input())", numbers).kind == Grade::Kind::wrong);
  // Tests that call, raise, or assert in a function that is called.
  for (const char* tests :
       {"if add(1, 2) != 3: raise ValueError('no')", "def near(x): assert abs(x - 3) < 1\nnear(add(1, 2))",
        "import unittest\nunittest.TestCase().assertEqual(add(1, 2), 3)"}) {
    CAPTURE(tests);
    CHECK(judged("def add(a, b):\n    return a + b", {{"tests", tests}}).kind == Grade::Kind::right);
    CHECK(judged("def add(a, b):\n    return a - b", {{"tests", tests}}).kind == Grade::Kind::wrong);
  }
}

TEST_CASE("tests that judge nothing make no program right", "[sandbox][grade]") {
  NEED_SANDBOX();
  const auto grader = code_grader("python", sandbox(), {});
  REQUIRE_OK(grader);
  const auto judged = [&](const std::string& reference, const Json& metadata) {
    GradeInput input;
    input.answer = "14";
    input.reference = reference;
    input.metadata = &metadata;
    const auto verdicts = (*grader)->grade_all({&input, 1});
    REQUIRE_OK(verdicts);
    CAPTURE(reference, metadata, verdicts->front().reason);
    CHECK(verdicts->front().kind == Grade::Kind::ungradable);
  };
  const Json none = Json::object();
  judged("999", none);
  judged("print('assert')", none);
  judged("def test_it():\n    assert solve() == 1", none);
  judged("[]", none);
  judged(R"([{"input": "3", "output": null}])", none);
  judged("", {{"tests", ""}});
  judged("", {{"tests", {"", ""}}});
  judged("", {{"test", "def check(candidate):\n    assert candidate(2) == 4\n"}});
}

}  // namespace retort
