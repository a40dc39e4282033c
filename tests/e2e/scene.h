// What most end-to-end tests begin with: a folder, a configuration, a fake teacher, and the real program.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/base/json.h"
#include "storage/connection.h"
#include "tests/support/fake_teacher.h"
#include "tests/support/program.h"

namespace retort {

using Profile = std::map<std::string, std::string>;  ///< key → value as in TOML; an empty value leaves the key out

/// Throws std::runtime_error where a test cannot go on. Scenes may live side by side in different threads.
class Scene {
 public:
  /// A teacher with this scenario, and retort.toml with [teacher.fake].
  explicit Scene(FakeTeacherOptions options = {}, const Profile& changes = {});

  FakeTeacher& teacher() { return *teacher_; }
  /// Writes retort.toml anew.
  void configure(const Profile& changes);

  std::string path(const std::string& name = {}) const { return name.empty() ? folder_.path() : folder_.path(name); }
  void write(const std::string& name, const std::string& bytes) const { write_bytes(path(name), bytes); }
  std::string read(const std::string& name) const { return read_bytes(path(name)); }
  std::vector<std::string> files() const;  ///< names, sorted

  ProgramSetup setup(std::vector<std::string> arguments) const;
  std::unique_ptr<Program> start(std::vector<std::string> arguments) const;
  ProgramEnd run(std::vector<std::string> arguments) const;
  /// `retort harvest prompts.jsonl -t fake -q` and more words.
  std::vector<std::string> harvest_words(const std::vector<std::string>& more = {}) const;
  ProgramEnd harvest(const std::vector<std::string>& more = {}) const { return run(harvest_words(more)); }

  /// The first column of the first row of corpus.db.
  std::int64_t number(const char* sql) const;
  std::string text(const char* sql) const;
  /// Each row's first column.
  std::vector<std::string> texts(const char* sql) const;
  void execute(const char* sql) const;

 private:
  std::unique_ptr<Connection> corpus() const;

  TemporaryFolder folder_;
  TemporaryFolder runtime_;  ///< where the processes of a machine share a teacher's pace: no scene knows another's
  std::unique_ptr<FakeTeacher> teacher_;
};

/// JSON lines {"prompt": "What is 1 + 1?"}, {"prompt": "What is 2 + 2?"}, …
std::string sums(int count, int first = 1);
std::string sum_prompt(int number);

std::vector<std::string> lines_of(const std::string& text);
/// Each line as JSON; throws if one is none.
std::vector<Json> json_lines(const std::string& text);
Json json_of(const std::string& text);
/// What was said on stderr apart from the teacher's terms, which come before every harvest.
std::vector<std::string> said(const ProgramEnd& end);
bool has(const std::string& text, const std::string& part);

}  // namespace retort
