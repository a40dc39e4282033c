#include "tests/e2e/scene.h"

#include <algorithm>
#include <filesystem>
#include <sstream>
#include <stdexcept>

namespace retort {
namespace {

template <class T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return std::move(*result);
}

}  // namespace

Scene::Scene(FakeTeacherOptions options, const Profile& changes)
    : teacher_(must(FakeTeacher::start(std::move(options)))) {
  configure(changes);
}

void Scene::configure(const Profile& changes) {
  Profile profile = {{"api", "\"openai-chat\""},    {"base_url", "\"" + teacher_->base_url() + "\""},
                     {"model", "\"arithmetic\""},   {"licence", "\"Apache-2.0\""},
                     {"outputs_may_train", "true"}, {"max_in_flight", "8"}};
  for (const auto& [key, value] : changes) profile[key] = value;
  std::string text = "[teacher.fake]\n";
  for (const auto& [key, value] : profile) {
    if (!value.empty()) text.append(key).append(" = ").append(value).append("\n");
  }
  write("retort.toml", text);
}

std::vector<std::string> Scene::files() const {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(path())) names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

ProgramSetup Scene::setup(std::vector<std::string> arguments) const {
  ProgramSetup setup;
  setup.executable = RETORT_BINARY_DIR "/retort";
  setup.arguments = std::move(arguments);
  setup.folder = path();
  setup.environment = {{"HOME", path()}, {"XDG_CONFIG_HOME", path()}, {"XDG_RUNTIME_DIR", runtime_.path()}};
  return setup;
}

std::unique_ptr<Program> Scene::start(std::vector<std::string> arguments) const {
  return std::make_unique<Program>(setup(std::move(arguments)));
}

ProgramEnd Scene::run(std::vector<std::string> arguments) const { return start(std::move(arguments))->wait(); }

std::vector<std::string> Scene::harvest_words(const std::vector<std::string>& more) const {
  std::vector<std::string> words = {"harvest", "prompts.jsonl", "-t", "fake", "-q"};
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

std::unique_ptr<Connection> Scene::corpus() const {
  auto connection = must(Connection::open(path("corpus.db"), Connection::Mode::write));
  (void)connection->script("PRAGMA trusted_schema = ON;");  // the views read JSON, as sqlite3's shell lets them
  return connection;
}

std::int64_t Scene::number(const char* sql) const { return must(corpus()->number(sql)); }

std::string Scene::text(const char* sql) const {
  const std::vector<std::string> all = texts(sql);
  if (all.empty()) throw std::runtime_error(std::string("no row: ") + sql);
  return all.front();
}

std::vector<std::string> Scene::texts(const char* sql) const {
  const auto connection = corpus();
  std::vector<std::string> all;
  Rows rows = connection->query(sql);
  while (rows.next()) all.push_back(rows.text(0));
  if (const auto status = rows.status(); !status) throw std::runtime_error(status.error().message);
  return all;
}

void Scene::execute(const char* sql) const {
  if (const auto done = corpus()->script(sql); !done) throw std::runtime_error(done.error().message);
}

std::string sum_prompt(int number) {
  const std::string operand = std::to_string(number);
  return "What is " + operand + " + " + operand + "?";
}

std::string sums(int count, int first) {
  std::string text;
  for (int i = first; i < first + count; ++i) text += dump_json({{"prompt", sum_prompt(i)}}) + "\n";
  return text;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

Json json_of(const std::string& text) { return must(parse_json(text)); }

std::vector<Json> json_lines(const std::string& text) {
  std::vector<Json> all;
  for (const std::string& line : lines_of(text)) all.push_back(json_of(line));
  return all;
}

std::vector<std::string> said(const ProgramEnd& end) {
  std::vector<std::string> lines = lines_of(end.err);
  std::erase_if(lines, [](const std::string& line) { return line.starts_with("terms of "); });
  return lines;
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace retort
