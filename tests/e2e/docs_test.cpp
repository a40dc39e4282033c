// What the pages promise is what the program does: commands, options, defaults, keys, exit codes, links.
#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "cli/config.h"
#include "cli/exit_codes.h"
#include "tests/catch.h"
#include "tests/support/program.h"

namespace retort {
namespace {

namespace fs = std::filesystem;

using Names = std::set<std::string>;

std::string page(const std::string& path) {
  const std::string text = read_bytes(RETORT_SOURCE_DIR "/" + path);
  if (text.empty()) throw std::runtime_error("there is no page " + path);
  return text;
}

std::vector<std::string> split_lines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

/// What the first group of a pattern matches, each time.
std::vector<std::string> matches(const std::string& text, const char* pattern) {
  const std::regex regex(pattern);
  std::vector<std::string> found;
  for (std::sregex_iterator at(text.begin(), text.end(), regex), end; at != end; ++at) found.push_back((*at)[1].str());
  return found;
}

Names names_in(const std::string& text, const char* pattern) {
  const std::vector<std::string> found = matches(text, pattern);
  return {found.begin(), found.end()};
}

std::string joined(const Names& names) {
  std::string all;
  for (const std::string& name : names) all += name + " ";
  return all;
}

constexpr const char* kLongOption = R"((--[a-z][a-z0-9-]*))";

/// What `--help` says.
struct Help {
  std::map<std::string, std::string> options;  ///< "--corpus" → "corpus.db", or empty where no default is shown
  std::vector<std::string> commands;
};

Help help_of(const std::vector<std::string>& words) {
  ProgramSetup setup;
  setup.executable = RETORT_BINARY_DIR "/retort";
  setup.arguments = words;
  setup.arguments.emplace_back("--help");
  const ProgramEnd end = Program(setup).wait();
  REQUIRE(end.code == 0);
  static const std::regex option(R"(^ +(?:-[a-zA-Z], *)?(--[a-z][a-z0-9-]*))");
  static const std::regex shown_default(R"(=(\S+))");
  static const std::regex command(R"(^  ([a-z-]+) {2,}\S)");
  Help help;
  bool lists_commands = false;
  for (const std::string& line : split_lines(end.out)) {
    std::smatch match;
    if (!line.empty() && line[0] != ' ') lists_commands = line == "Subcommands:" || line == "SUBCOMMANDS:";
    if (std::regex_search(line, match, option)) {
      const std::string definition =
          line.substr(match.position(1), line.find("  ", match.position(1)) - match.position(1));
      std::smatch value;
      help.options[match[1]] = std::regex_search(definition, value, shown_default) ? value[1].str() : "";
    } else if (lists_commands && std::regex_search(line, match, command)) {
      help.commands.push_back(match[1]);
    }
  }
  help.options.erase("--help");
  return help;
}

/// A command's options and those of its subcommands, which share a page.
std::map<std::string, std::string> options_of(const std::string& command) {
  Help help = help_of({command});
  for (const std::string& sub : help.commands) {
    for (const auto& [name, value] : help_of({command, sub}).options) help.options[name] = value;
  }
  return help.options;
}

/// Options of each command, read once; "" is the program itself.
const std::map<std::string, std::map<std::string, std::string>>& all_commands() {
  static const auto commands = [] {
    std::map<std::string, std::map<std::string, std::string>> all;
    const Help program = help_of({});
    all[""] = program.options;
    for (const std::string& command : program.commands) all[command] = options_of(command);
    return all;
  }();
  return commands;
}

/// From a heading "## Name" to the next one.
std::string section(const std::string& text, const std::string& heading) {
  const std::size_t begin = text.find("\n## " + heading + "\n");
  if (begin == std::string::npos) return {};
  return text.substr(begin + 1, text.find("\n## ", begin + 1) - begin - 1);
}

/// The rows of the tables in a text, by first cell, without the title rows.
std::map<std::string, std::string> table_rows(const std::string& text) {
  std::map<std::string, std::string> rows;
  bool titles = true;
  for (const std::string& line : split_lines(text)) {
    if (line.rfind("| ", 0) != 0) {
      if (line.rfind("|-", 0) != 0) titles = true;
    } else if (titles) {
      titles = false;
    } else {
      rows[line.substr(2, line.find(" |", 1) - 2)] = line;
    }
  }
  return rows;
}

std::vector<std::string> all_pages() {
  std::vector<std::string> pages = {"README.md", "third_party/README.md"};
  for (const auto& entry : fs::recursive_directory_iterator(RETORT_SOURCE_DIR "/docs")) {
    if (entry.path().extension() == ".md")
      pages.push_back(fs::relative(entry.path(), RETORT_SOURCE_DIR).generic_string());
  }
  return pages;
}

/// Blocks of a language: ```toml … ```
std::vector<std::string> blocks(const std::string& text, const std::string& language) {
  std::vector<std::string> found;
  const std::string fence = "```" + language + "\n";
  for (std::size_t at = text.find(fence); at != std::string::npos; at = text.find(fence, at)) {
    at += fence.size();
    const std::size_t end = text.find("```", at);
    found.push_back(text.substr(at, end - at));
    at = end + 3;
  }
  return found;
}

/// Every invocation of retort that a page shows, in shell blocks, indented lines and running text, without the word.
std::vector<std::string> invocations(const std::string& text) {
  std::vector<std::string> found = matches(text, R"(`retort ([^`]*)`)");
  std::string shown;
  for (const std::string& block : blocks(text, "sh")) shown += "\n" + block;
  for (const std::string& line : matches(text, R"((?:^|\n) {4}([^\n]*))")) shown += "\n" + line;
  for (const std::string& words : matches(shown, R"((?:\n|\| )retort ([^|#\n]*))")) found.push_back(words);
  return found;
}

/// As a heading is linked to.
std::string anchor_of(const std::string& heading) {
  std::string anchor;
  for (const char c : heading) {
    const bool word = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-' || (c & 0x80) != 0;
    if (word) anchor += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    if (c == ' ') anchor += '-';
  }
  return anchor;
}

bool has_anchor(const std::string& text, const std::string& anchor) {
  const auto headings = matches(text, R"((?:^|\n)#+ ([^\n]*))");
  return std::any_of(headings.begin(), headings.end(),
                     [&](const std::string& heading) { return anchor_of(heading) == anchor; });
}

/// Every Errc. A new one makes the switch complain, and this list must follow.
constexpr std::array kErrors = {Errc::internal, Errc::usage,  Errc::partial, Errc::refused,    Errc::quota,
                                Errc::terms,    Errc::corpus, Errc::disk,    Errc::interrupted};
constexpr const char* keyword(Errc code) {
  switch (code) {
    case Errc::internal:
      return "internal";
    case Errc::usage:
      return "usage";
    case Errc::partial:
      return "some rows failed";
    case Errc::refused:
      return "refuses us";
    case Errc::quota:
      return "quota";
    case Errc::terms:
      return "terms";
    case Errc::corpus:
      return "corpus";
    case Errc::disk:
      return "disk";
    case Errc::interrupted:
      return "SIGINT";
  }
  return "";
}

}  // namespace

TEST_CASE("each command has a page with its options, their defaults, and an example", "[docs]") {
  REQUIRE(all_commands().size() > 10);
  Names everywhere = {"--help"};
  for (const auto& [command, options] : all_commands()) {
    for (const auto& [name, value] : options) everywhere.insert(name);
  }
  for (const auto& [command, options] : all_commands()) {
    CAPTURE(command);
    const std::string text = page("docs/commands/" + (command.empty() ? "retort" : command) + ".md");
    CHECK(text.rfind(command.empty() ? "# retort\n" : "# retort " + command + "\n", 0) == 0);
    const auto examples = blocks(text, "sh");
    REQUIRE(!examples.empty());
    CHECK(examples.front().rfind("retort " + command, 0) == 0);

    std::map<std::string, std::string> documented;  // option → its row
    for (const auto& [cell, row] : table_rows(section(text, "Options"))) {
      for (const std::string& option : matches(cell, kLongOption)) documented[option] = row;
    }
    for (const auto& [option, value] : options) {
      CAPTURE(option, value);
      REQUIRE(documented.count(option) == 1);
      CHECK(documented[option].find(value) != std::string::npos);
    }
    for (const auto& [option, row] : documented) {
      CAPTURE(option);
      CHECK(options.count(option) == 1);
    }
    for (const std::string& option : matches(text, kLongOption)) {
      CAPTURE(option);
      CHECK(everywhere.count(option) == 1);
    }
  }
}

TEST_CASE("no page is about a command that does not exist, and one page lists them all", "[docs]") {
  const std::string list = page("docs/commands/retort.md");
  for (const auto& entry : fs::directory_iterator(RETORT_SOURCE_DIR "/docs/commands")) {
    const std::string command = entry.path().stem().string();
    CAPTURE(command);
    if (command == "retort") continue;
    CHECK(all_commands().count(command) == 1);
    CHECK(list.find("[" + command + "](" + command + ".md)") != std::string::npos);
  }
}

TEST_CASE("every invocation shown anywhere uses commands and options that exist", "[docs]") {
  int seen = 0;
  for (const std::string& path : all_pages()) {
    for (const std::string& words : invocations(page(path))) {
      CAPTURE(path, words);
      ++seen;
      const std::string command = words.substr(0, words.find_first_of(" \n,"));
      const bool global = command.rfind("-", 0) == 0 || command == "COMMAND";
      if (!global) REQUIRE(all_commands().count(command) == 1);
      Names known = {"--help"};
      for (const auto& [name, value] : all_commands().at("")) known.insert(name);
      if (!global) {
        for (const auto& [name, value] : all_commands().at(command)) known.insert(name);
      }
      for (const std::string& option : matches(words, R"((?:^|[ \[])(--[a-z][a-z0-9-]*))")) {
        CAPTURE(option);
        CHECK(known.count(option) == 1);
      }
    }
  }
  CHECK(seen > 50);
}

TEST_CASE("the page of exit codes is the list of exit codes", "[docs]") {
  const auto rows = table_rows(page("docs/exit-codes.md"));
  Names expected = {std::to_string(kExitComplete), std::to_string(kExitSomeFailed), "129", "143"};
  for (const Errc code : kErrors) {
    const std::string number = std::to_string(exit_code_of(code));
    CAPTURE(number);
    expected.insert(number);
    REQUIRE(rows.count(number) == 1);
    CHECK(rows.at(number).find(keyword(code)) != std::string::npos);
  }
  Names documented;
  for (const auto& [code, row] : rows) documented.insert(code);
  CHECK(joined(documented) == joined(expected));
  for (const auto& [command, options] : all_commands()) {
    if (command.empty()) continue;
    CAPTURE(command);
    const auto own = table_rows(section(page("docs/commands/" + command + ".md"), "Exit codes"));
    CHECK(own.count("2") == 1);
    for (const auto& [code, row] : own) {
      CAPTURE(code);
      CHECK(expected.count(code) == 1);
    }
  }
}

TEST_CASE("every key of a teacher is documented, every documented one is known, every example parses", "[docs]") {
  const std::string text = page("docs/configuration.md");
  Names documented;
  for (const auto& [cell, row] : table_rows(section(text, "Keys of [teacher.NAME]"))) {
    for (const std::string& key : matches(cell, "`([a-z_]+)`")) documented.insert(key);
  }
  const Names accepted = names_in(page("cli/profile_reader.cpp"), R"re(\n +\{"([a-z_]+)",)re");
  CHECK(joined(documented) == joined(accepted));
  for (const std::string& key : documented) {
    CAPTURE(key);
    const auto parsed = parse_configuration("[teacher.a]\n" + key + " = [{}]\n", "retort.toml");
    REQUIRE(!parsed);
    CHECK(parsed.error().message.find("unknown key") == std::string::npos);
  }
  const auto unknown = parse_configuration("[teacher.a]\nbase_urlz = \"\"\n", "retort.toml");
  REQUIRE(!unknown);
  CHECK(unknown.error().message.find("unknown key") != std::string::npos);

  for (const char* path : {"docs/configuration.md", "README.md"}) {
    const auto found = blocks(page(path), "toml");
    CHECK(!found.empty());
    for (const std::string& example : found) {
      CAPTURE(path, example);
      const auto parsed = parse_configuration(example, path);
      REQUIRE_OK(parsed);
      CHECK(parsed->teachers.size() == 1);
    }
  }
}

TEST_CASE("every error word is explained", "[docs]") {
  const std::string explained = [] {
    std::string cells;
    for (const auto& [cell, row] : table_rows(page("docs/faults.md"))) cells += cell + " ";
    return cells;
  }();
  std::vector<std::string> words = matches(page("core/harvest/retry_policy.cpp"), R"re(return "([a-z_]+)";)re");
  for (const auto& entry : fs::directory_iterator(RETORT_SOURCE_DIR "/core/teacher")) {
    for (const std::string& word : matches(read_bytes(entry.path().string()), R"re(no_answer\("([a-z_]+)")re"))
      words.push_back(word);
  }
  CHECK(words.size() > 8);
  for (const char* word : {"http_NNN", "quota", "error_in_200", "null_content", "cancelled"}) words.emplace_back(word);
  for (const std::string& word : words) {
    CAPTURE(word);
    CHECK(explained.find("`" + word + "`") != std::string::npos);
  }
}

TEST_CASE("every link between pages leads somewhere, and every page is linked", "[docs]") {
  Names linked = {"README.md"};
  for (const std::string& path : all_pages()) {
    for (const std::string& link : matches(page(path), R"(\]\(([^)\s]+)\))")) {
      if (link.find("://") != std::string::npos) continue;
      CAPTURE(path, link);
      const std::size_t hash = link.find('#');
      const std::string file = link.substr(0, hash);
      const std::string target =
          file.empty() ? path : (fs::path(path).parent_path() / file).lexically_normal().generic_string();
      REQUIRE(fs::exists(fs::path(RETORT_SOURCE_DIR) / target));
      if (target != path) linked.insert(target);
      if (hash != std::string::npos) CHECK(has_anchor(page(target), link.substr(hash + 1)));
    }
  }
  for (const std::string& path : all_pages()) {
    CAPTURE(path);
    CHECK(linked.count(path) == 1);
  }
}

TEST_CASE("the first two commands of the README are there, and every ./dev command exists", "[docs]") {
  const auto commands = blocks(page("README.md"), "sh");
  REQUIRE(!commands.empty());
  CHECK(commands.front() == "./dev demo\n./dev test\n");
  const std::string dev = page("dev");
  for (const std::string& path : all_pages()) {
    for (const std::string& command : matches(page(path), R"(\./dev ([a-z]+))")) {
      CAPTURE(path, command);
      CHECK(dev.find("\n  " + command + " ") != std::string::npos);
    }
  }
}

}  // namespace retort
