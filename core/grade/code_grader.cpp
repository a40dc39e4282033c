#include "core/grade/code_grader.h"

#include <random>
#include <utility>

#include "core/base/hash.h"
#include "core/base/text.h"

namespace retort {
namespace {

constexpr std::size_t kTestsMax = 200;
constexpr std::size_t kProgramBytesMax = 1 << 20;

struct Test {
  SandboxJob job;
  std::string output;  ///< what it must print; for assertions the token that only the harness knows
  bool exact_end = false;
};

struct Task {
  std::vector<Test> tests;
  std::string problem;  ///< why there are none
};

// Runs the program as a module of its own, then the tests in its names. The token comes on stdin and is read before the
// program gets a hand on anything, so that leaving early or printing wildly does not look like passing. What asserts is
// counted: tests of which nothing asserted have judged nothing.
constexpr const char* kHarness = R"(import ast, sys
def _run():
    token = sys.stdin.readline()
    sys.stdin = open('/dev/null')
    out = sys.stdout
    asserted = []
    class Counted(ast.NodeTransformer):
        def count(self, node):
            self.generic_visit(node)
            call = ast.parse('__asserted(0)').body[0]
            for part in ast.walk(call):
                ast.copy_location(part, node)
            return [call, node]
        visit_Assert = visit_Raise = count
        def visit_Expr(self, node):
            called = node.value.func if isinstance(node.value, ast.Call) else None
            name = getattr(called, 'attr', getattr(called, 'id', ''))
            return self.count(node) if 'assert' in name.lower() else self.generic_visit(node)
        def visit_If(self, node):
            raises = any(isinstance(part, ast.Raise) for part in ast.walk(node))
            return self.count(node) if raises else self.generic_visit(node)
    tests = Counted().visit(ast.parse(open('tests.py').read(), 'tests.py'))
    names = {'__name__': 'solution'}
    exec(compile(open('solution.py').read(), 'solution.py', 'exec'), names)
    names['__asserted'] = asserted.append
    exec(compile(tests, 'tests.py', 'exec'), names)
    out.write('\n' + ('' if asserted else 'nothing ') + token)
    out.flush()
_run()
)";
constexpr std::string_view kNothingAsserted = "\nnothing ";

std::string token() {
  std::random_device source;
  std::string text;
  for (int i = 0; i < 4; ++i) text += std::to_string(source()) + "-";
  return sha256_hex(text);
}

// Lines without white space at their ends, and without empty lines at the end.
std::string printed(std::string_view text) {
  std::string result, blank;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = text.find('\n', at);
    if (end == std::string_view::npos) end = text.size();
    std::string_view line = text.substr(at, end - at);
    while (!line.empty() && (line.back() == ' ' || line.back() == '\t' || line.back() == '\r')) line.remove_suffix(1);
    blank += '\n';
    if (!line.empty()) {
      result += blank + std::string(line);
      blank.clear();
    }
    at = end + 1;
  }
  return result;
}

std::string last_line(std::string_view text) {
  text = trimmed(text);
  const std::size_t feed = text.find_last_of('\n');
  return shortened(on_one_line(to_valid_utf8(feed == std::string_view::npos ? text : text.substr(feed + 1))), 120);
}

std::string how_it_ended(const SandboxEnd& end) {
  using Why = SandboxEnd::Why;
  switch (end.why) {
    case Why::out_of_time:
      return "it took too long";
    case Why::out_of_memory:
      return "it took too much memory";
    case Why::too_much_output:
      return "it wrote too much";
    case Why::signalled:
      return "it died of signal " + std::to_string(end.code);
    case Why::exited:
      break;
  }
  const std::string words = last_line(end.err);
  if (end.code != 0) return "it ended with exit code " + std::to_string(end.code) + (words.empty() ? "" : ": " + words);
  return "";
}

// A number is what a program reads or prints for it.
std::string as_text(const Json& value) {
  if (value.is_null()) return "";
  return value.is_string() ? value.get<std::string>() : dump_json(value);
}

class CodeGrader final : public Grader {
 public:
  CodeGrader(std::string language, Sandbox* sandbox, const SandboxLimits& limits)
      : language_(std::move(language)), sandbox_(sandbox), limits_(limits) {}

  Result<std::vector<Grade>> grade_all(std::span<const GradeInput> inputs) override {
    std::vector<Task> tasks;
    std::vector<SandboxJob> jobs;
    for (const GradeInput& input : inputs) {
      tasks.push_back(task(input));
      for (Test& test : tasks.back().tests) jobs.push_back(std::move(test.job));
    }
    std::vector<SandboxEnd> ends;
    if (!jobs.empty()) {
      auto ran = sandbox_->run(jobs);
      if (!ran) return fail(ran.error());
      ends = std::move(*ran);
    }
    std::vector<Grade> verdicts;
    std::size_t next = 0;
    for (std::size_t i = 0; i < tasks.size(); ++i) {
      const std::size_t count = tasks[i].tests.size();
      verdicts.push_back(verdict(tasks[i], std::span(ends).subspan(next, count), inputs[i]));
      next += count;
    }
    return verdicts;
  }

  bool pure() const override { return false; }

  std::string digest() const override {
    return "code/2/" + language_ + "/" + sandbox_->kind() + "/" + std::to_string(limits_.wall.count()) + "/" +
           std::to_string(limits_.cpu.count()) + "/" + std::to_string(limits_.memory_bytes) + "/" +
           std::to_string(limits_.file_bytes) + "/" + std::to_string(limits_.output_bytes) + "/" +
           std::to_string(limits_.processes);
  }

 private:
  SandboxJob job(const std::string& program) const {
    SandboxJob made;
    made.limits = limits_;
    if (language_ == "python") {
      made.command = {"python3", "-I", "-B", "solution.py"};
      made.files["solution.py"] = program;
    } else {
      made.command = {"sh", "solution.sh"};
      made.files["solution.sh"] = program;
    }
    return made;
  }

  void add_assertions(Task& made, const std::string& program, std::string tests, const Json& row) const {
    if (language_ != "python") {
      made.problem = "assertions are run for Python only; give tests with input and output";
      return;
    }
    if (trimmed(tests).empty()) return;
    const std::string entry = json_text(row, "entry_point");
    if (tests.find("def check(") != std::string::npos && !entry.empty()) tests += "\ncheck(" + entry + ")\n";
    Test test;
    test.job = job(program);
    test.job.files["tests.py"] = std::move(tests);
    test.job.files["harness.py"] = kHarness;
    test.job.command.back() = "harness.py";
    test.output = token();
    test.job.input = test.output + "\n";
    test.exact_end = true;
    made.tests.push_back(std::move(test));
  }

  // Tests as a list: of pairs of input and output, or of assertions.
  void add_list(Task& made, const std::string& program, const Json& list, const Json& row) const {
    std::string assertions;
    for (const Json& one : list) {
      if (one.is_string()) {
        assertions += one.get_ref<const std::string&>() + "\n";
        continue;
      }
      if (!one.is_object() || one.value("output", Json()).is_null() || made.tests.size() >= kTestsMax) {
        made.problem = "a test is neither an assertion nor an object with 'input' and 'output', or there are too many";
        made.tests.clear();
        return;
      }
      Test test;
      test.job = job(program);
      test.job.input = as_text(one.value("input", Json()));
      test.output = as_text(one["output"]);
      made.tests.push_back(std::move(test));
    }
    if (!assertions.empty()) add_assertions(made, program, assertions, row);
  }

  Task task(const GradeInput& input) const {
    static const Json kNone = Json::object();
    const Json& row = input.metadata != nullptr && input.metadata->is_object() ? *input.metadata : kNone;
    const std::string program = to_valid_utf8(program_text(input.answer, language_));
    Task made;
    if (program.size() > kProgramBytesMax) {
      made.problem = "the program is longer than 1 MiB";
      return made;
    }
    for (const char* key : {"tests", "test", "test_list"}) {
      const auto tests = row.find(key);
      if (tests == row.end()) continue;
      if (tests->is_array()) add_list(made, program, *tests, row);
      if (tests->is_string()) add_assertions(made, program, tests->get<std::string>(), row);
      break;
    }
    if (made.tests.empty() && made.problem.empty() && !trimmed(input.reference).empty()) {
      const auto list = parse_json(input.reference);
      if (list && list->is_array())
        add_list(made, program, *list, row);
      else
        add_assertions(made, program, to_valid_utf8(input.reference), row);
    }
    if (made.tests.empty() && made.problem.empty())
      made.problem = "there are no tests: neither in metadata nor as reference";
    return made;
  }

  static Grade verdict(const Task& task, std::span<const SandboxEnd> ends, const GradeInput&) {
    if (task.tests.empty()) return {Grade::Kind::ungradable, 0, task.problem, {}};
    std::size_t passed = 0;
    std::string first;
    const auto said = [&](std::size_t i, std::string_view before) {
      return ends[i].out.ends_with(std::string(before) + task.tests[i].output + "\n");
    };
    for (std::size_t i = 0; i < ends.size(); ++i) {
      std::string why = how_it_ended(ends[i]);
      if (why.empty() && task.tests[i].exact_end && said(i, kNothingAsserted))
        return {Grade::Kind::ungradable, 0, "its tests assert nothing", {}};
      if (why.empty() && task.tests[i].exact_end && !said(i, "\n")) why = "it ended before its tests were through";
      if (why.empty() && !task.tests[i].exact_end && printed(ends[i].out) != printed(task.tests[i].output))
        why = "it printed '" + last_line(ends[i].out) + "' at the end, not '" + last_line(task.tests[i].output) + "'";
      if (why.empty())
        ++passed;
      else if (first.empty())
        first = (ends.size() > 1 ? "test " + std::to_string(i + 1) + ": " : "") + why;
    }
    const bool all = passed == ends.size();
    const double share = static_cast<double>(passed) / static_cast<double>(ends.size());
    const std::string count = std::to_string(passed) + " of " + std::to_string(ends.size()) + " tests passed";
    return {all ? Grade::Kind::right : Grade::Kind::wrong, share, all ? count : count + "; " + first, {}};
  }

  std::string language_;
  Sandbox* sandbox_;
  SandboxLimits limits_;
};

}  // namespace

std::string_view program_text(std::string_view answer, std::string_view language) {
  constexpr std::string_view kFence = "```";
  std::string_view named, any;
  for (std::size_t at = answer.find(kFence); at != std::string_view::npos;) {
    const std::size_t line = answer.find('\n', at);
    if (line == std::string_view::npos) break;
    const std::size_t close = answer.find(kFence, line);
    if (close == std::string_view::npos) break;
    const std::string label = lower_ascii(trimmed(answer.substr(at + kFence.size(), line - at - kFence.size())));
    any = answer.substr(line + 1, close - line - 1);
    if (label == language || (language == "python" && (label == "py" || label == "python3")) ||
        (language == "sh" && (label == "bash" || label == "shell")))
      named = any;
    at = answer.find(kFence, close + kFence.size());
  }
  if (!named.empty()) return named;
  return any.empty() ? answer : any;
}

Result<std::unique_ptr<Grader>> code_grader(std::string_view language, Sandbox* sandbox, const SandboxLimits& limits) {
  if (language.empty()) language = "python";
  if (language != "python" && language != "sh")
    return fail(Errc::usage, "code is graded in python and sh, not in '" + shortened(on_one_line(language), 40) +
                                 "'; for others write a command: command:…");
  if (sandbox == nullptr) return fail(Errc::usage, "there is no sandbox to grade code in here");
  return std::unique_ptr<Grader>(std::make_unique<CodeGrader>(std::string(language), sandbox, limits));
}

}  // namespace retort
