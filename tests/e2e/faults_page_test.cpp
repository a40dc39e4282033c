// The page of faults and guarantees: each line names tests that exist, and every fault that the fake teacher can play
// has a line.
#include <filesystem>
#include <regex>
#include <set>

#include "tests/catch.h"
#include "tests/support/program.h"
#include "tests/support/wire_faults.h"

namespace retort {
namespace {

namespace fs = std::filesystem;

std::set<std::string> first_groups(const std::string& text, const char* pattern) {
  const std::regex regex(pattern);
  std::set<std::string> found;
  for (std::sregex_iterator at(text.begin(), text.end(), regex), end; at != end; ++at) found.insert((*at)[1].str());
  return found;
}

std::set<std::string> all_test_cases() {
  std::set<std::string> names;
  for (const auto& entry : fs::recursive_directory_iterator(RETORT_SOURCE_DIR "/tests")) {
    if (entry.path().extension() != ".cpp") continue;
    names.merge(first_groups(read_bytes(entry.path()), R"re(TEST_CASE\("([^"\n]+)")re"));
  }
  return names;
}

std::vector<std::string> lines_with_claims(const std::string& page) {
  std::vector<std::string> lines;
  const std::size_t words_end = page.find("\n## Faults of the wire\n");
  REQUIRE(words_end != std::string::npos);
  for (std::size_t at = words_end; at < page.size();) {
    const std::size_t end = std::min(page.find('\n', at), page.size());
    const std::string line = page.substr(at, end - at);
    if ((line.starts_with("| ") && !line.starts_with("| fault ")) || line.starts_with("- ")) lines.push_back(line);
    at = end + 1;
  }
  return lines;
}

}  // namespace

TEST_CASE("each line about a fault or a guarantee names tests that exist", "[docs]") {
  const std::set<std::string> tests = all_test_cases();
  CHECK(tests.size() > 200);
  const auto lines = lines_with_claims(read_bytes(RETORT_SOURCE_DIR "/docs/faults.md"));
  CHECK(lines.size() > 70);
  for (const std::string& line : lines) {
    CAPTURE(line);
    const auto named = first_groups(line, R"re("([^"]+)")re");
    CHECK(!named.empty());
    for (const std::string& name : named) {
      CAPTURE(name);
      CHECK(tests.count(name) == 1);
    }
  }
}

TEST_CASE("every fault of the fake teacher has its line on the page, and is met by a test", "[docs]") {
  const std::string page = read_bytes(RETORT_SOURCE_DIR "/docs/faults.md");
  const std::size_t table = page.find("\n## Faults of the wire\n");
  REQUIRE(table != std::string::npos);
  const std::set<std::string> told =
      first_groups(page.substr(table, page.find("\n## ", table + 1) - table), R"re(`([0-9a-z_]+)`)re");
  std::string scenarios;
  for (const auto& entry : fs::directory_iterator(RETORT_SOURCE_DIR "/tests/e2e")) {
    if (entry.path().filename() != "faults_page_test.cpp") scenarios += read_bytes(entry.path());
  }
  for (const std::string& fault : wire_fault_names()) {
    CAPTURE(fault);
    CHECK(told.count(fault) == 1);
    CHECK(std::regex_search(scenarios, std::regex("[\" ]" + fault + "[\",;]")));
  }
}

}  // namespace retort
