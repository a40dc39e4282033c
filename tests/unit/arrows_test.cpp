// Arrows point at core: cli → core ← storage. Core decides, edges touch. The targets of CMakeLists.txt say so to the
// linker; this reads the sources and says so to people. It also keeps the house tidy.
#include <algorithm>
#include <array>
#include <filesystem>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "tests/catch.h"
#include "tests/support/temporary_folder.h"

namespace retort {
namespace {

namespace fs = std::filesystem;

using Words = std::vector<std::string_view>;

bool starts_with_any(std::string_view text, const Words& starts) {
  return std::any_of(starts.begin(), starts.end(), [&](std::string_view start) { return text.starts_with(start); });
}

/// What only some files may include: the library's headers begin so, and stand in files whose paths begin so.
struct Reserved {
  std::string_view header;
  Words places;
};

const std::vector<Reserved> kReserved = {
    {"curl/", {"core/net/"}},
    {"sqlite3", {"storage/"}},
    {"zstd", {"storage/", "core/export/compression.cpp"}},
    {"zlib.h", {"core/export/compression.cpp"}},
    {"torch/", {"core/student/"}},
    {"ATen/", {"core/student/"}},
    {"c10/", {"core/student/"}},
    {"oneapi/", {"core/student/"}},
    {"arrow/", {"core/parquet/module/"}},
    {"parquet/", {"core/parquet/module/"}},
    {"httplib", {"core/serve/"}},
    {"spdlog/", {"cli/"}},
    {"CLI/", {"cli/"}},
    {"toml", {"cli/"}},
    {"nlohmann/", {"core/base/json.h"}},
    {"openssl/", {"core/base/hash.cpp"}},
    {"pcre2", {"core/text/", "core/curate/regex.cpp", "core/grade/regex_grader.cpp"}},
    {"utf8proc", {"core/text/"}},
    {"cld2/", {"core/curate/audit/language.cpp"}},
    {"valijson/", {"core/grade/"}},
    {"dlfcn", {"cli/energy.cpp", "core/base/module_file.cpp", "core/net/curl_library.cpp"}},
    // Our own edges: everybody else sees the ports.
    {"storage/", {"storage/", "cli/main.cpp"}},
    {"cli/", {"cli/"}},
    {"tests/", {}},
    {"core/net/curl_", {"core/net/", "cli/main.cpp"}},
    {"core/process/", {"core/process/", "cli/main.cpp"}},
    {"core/student/", {"core/student/"}},
    {"core/student/module.h", {"core/student/", "cli/student_module.cpp"}},
    {"core/parquet/module/", {"core/parquet/module/"}},
    {"core/parquet/module.h", {"core/parquet/"}},
};

/// What the files of a folder may include of ours. The longest folder that fits counts.
struct Folder {
  std::string_view folder;
  Words may_include;
};

const std::vector<Folder> kFolders = {
    {"cli/", {"cli/", "core/", "storage/"}},
    {"storage/", {"storage/", "core/base/", "core/corpus/", "core/harvest/pace.h"}},
    {"core/base/", {"core/base/"}},
    {"core/text/", {"core/base/", "core/text/"}},
    {"core/corpus/", {"core/base/", "core/corpus/"}},
    {"core/parquet/", {"core/base/", "core/parquet/"}},
    {"core/prompt/", {"core/base/", "core/corpus/", "core/parquet/parquet_file.h", "core/prompt/"}},
    {"core/net/", {"core/base/", "core/net/"}},
    {"core/teacher/", {"core/base/", "core/corpus/", "core/net/transport.h", "core/teacher/"}},
    {"core/harvest/",
     {"core/base/", "core/corpus/", "core/net/transport.h", "core/prompt/", "core/teacher/", "core/harvest/"}},
    {"core/batch/",
     {"core/base/", "core/corpus/", "core/net/transport.h", "core/prompt/", "core/teacher/", "core/harvest/",
      "core/batch/"}},
    {"core/grade/", {"core/base/", "core/grade/"}},
    {"core/process/", {"core/base/", "core/grade/line_program.h", "core/grade/sandbox.h", "core/process/"}},
    {"core/curate/", {"core/base/", "core/corpus/", "core/grade/", "core/curate/"}},
    {"core/export/", {"core/base/", "core/corpus/", "core/export/"}},
    {"core/shards/", {"core/base/", "core/text/", "core/shards/"}},
    {"core/serve/", {"core/base/", "core/serve/"}},
    {"core/weights/", {"core/base/", "core/text/", "core/weights/"}},
    {"core/student/", {"core/base/", "core/text/", "core/weights/", "core/student/"}},
};

/// Everything but Clock is a clock that a simulation cannot turn, and everything but Transport::wait a wait it cannot
/// shorten.
const std::vector<Reserved> kReservedWords = {
    {"steady_clock::now", {"core/base/clock.cpp"}},
    {"system_clock::now", {"core/base/clock.cpp"}},
    {"high_resolution_clock", {}},
    {"clock_gettime", {}},
    {"gettimeofday", {}},
    {"time(nullptr)", {}},
    {"time(NULL)", {}},
    {"time(0)", {}},
    {"sleep_for", {}},
    {"sleep_until", {}},
    {"usleep(", {}},
    {"nanosleep(", {}},
};

// The most particular entry for a header.
const Reserved* reserved_for(std::string_view header) {
  const Reserved* found = nullptr;
  for (const Reserved& entry : kReserved) {
    if (header.starts_with(entry.header) && (found == nullptr || entry.header.size() > found->header.size()))
      found = &entry;
  }
  return found;
}

std::string why_not(std::string_view path, std::string_view header) {
  if (const Reserved* entry = reserved_for(header); entry != nullptr && !starts_with_any(path, entry->places))
    return "only " + (entry->places.empty() ? "tests" : std::string(entry->places.front())) + " may";
  const bool ours = starts_with_any(header, {"cli/", "core/", "storage/"});
  for (const Folder& folder : kFolders) {
    if (path.starts_with(folder.folder))
      return !ours || starts_with_any(header, folder.may_include) ? std::string() : "against the arrows";
  }
  return "its folder has no rule yet: give it one in tests/unit/arrows_test.cpp";
}

/// Each line of a source that breaks a rule. `path` is relative to the root.
std::vector<std::string> breaches(const std::string& path, const std::string& text) {
  static const std::regex include(R"(^\s*#\s*include\s*[<"]([^>"]+)[>"])");
  std::vector<std::string> found;
  std::istringstream lines(text);
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) {
    const std::string where = path + ":" + std::to_string(number) + ": ";
    if (std::smatch match; std::regex_search(line, match, include)) {
      if (const std::string why = why_not(path, match[1].str()); !why.empty())
        found.push_back(where + "includes " + match[1].str() + ": " + why);
    }
    for (const Reserved& entry : kReservedWords) {
      if (line.find(entry.header) != std::string::npos && !starts_with_any(path, entry.places))
        found.push_back(where + "uses " + std::string(entry.header) + ": pass `now` or a Clock");
    }
  }
  return found;
}

/// What makes a file untidy.
std::vector<std::string> untidy(const std::string& path, const std::string& text) {
  constexpr int kLinesMax = 500;
  // In two parts, so that this file is tidy itself.
  static const std::array<std::string, 2> kUnfinished = {std::string("TO") + "DO", std::string("FIX") + "ME"};
  static const std::regex guard(R"((^|\n)#(pragma once|ifndef [A-Z_]+_H\n#define))");
  std::vector<std::string> found;
  std::istringstream lines(text);
  std::string line;
  int number = 0;
  while (std::getline(lines, line)) {
    ++number;
    for (const std::string& word : kUnfinished) {
      if (line.find(word) != std::string::npos) found.push_back(path + ":" + std::to_string(number) + ": " + word);
    }
  }
  if (number > kLinesMax) found.push_back(path + ": " + std::to_string(number) + " lines");
  // Guards stand near the top; the regex machine is slow and deep on long texts.
  if (path.ends_with(".h") && !std::regex_search(text.substr(0, 4096), guard)) found.push_back(path + ": no guard");
  return found;
}

using Check = std::vector<std::string> (*)(const std::string& path, const std::string& text);

/// Applies a check to the sources in some folders of a root.
std::vector<std::string> check_all(const fs::path& root, const Words& folders, Check check, int* files = nullptr) {
  std::vector<std::string> found;
  for (const std::string_view folder : folders) {
    for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
      const std::string ending = entry.path().extension().string();
      if (!entry.is_regular_file() || (ending != ".h" && ending != ".cpp")) continue;
      if (files != nullptr) ++*files;
      const auto more = check(fs::relative(entry.path(), root).generic_string(), read_bytes(entry.path().string()));
      found.insert(found.end(), more.begin(), more.end());
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

std::string joined(const std::vector<std::string>& lines) {
  std::string all;
  for (const std::string& line : lines) all += line + "\n";
  return all;
}

}  // namespace

TEST_CASE("every include follows the arrows, and only core/base/clock.cpp knows the time", "[arrows]") {
  int files = 0;
  CHECK(joined(check_all(RETORT_SOURCE_DIR, {"cli", "core", "storage"}, breaches, &files)) == "");
  CHECK(files > 100);
}

TEST_CASE("the house is tidy: nothing unfinished, guards, and no file that does everything", "[arrows]") {
  CHECK(joined(check_all(RETORT_SOURCE_DIR, {"cli", "core", "storage", "tests"}, untidy)) == "");
  CHECK(joined(untidy("dev", read_bytes(RETORT_SOURCE_DIR "/dev"))) == "");
}

TEST_CASE("a planted line against the arrows is found", "[arrows]") {
  struct Planted {
    const char* path;
    const char* line;
  };
  for (const Planted& planted : {
           Planted{"cli/harvest.cpp", "#include <curl/curl.h>"},
           Planted{"core/harvest/planner.cpp", "#include <sqlite3.h>"},
           Planted{"core/corpus/words.cpp", "  #  include <sqlite3ext.h>"},
           Planted{"cli/train.cpp", "#include <torch/torch.h>"},
           Planted{"core/text/chat_template.cpp", "#include <ATen/ATen.h>"},
           Planted{"core/text/chat_template.cpp", "#include <c10/core/Device.h>"},
           Planted{"core/parquet/parquet_file.cpp", "#include <arrow/api.h>"},
           Planted{"cli/export.cpp", "#include <parquet/arrow/writer.h>"},
           Planted{"core/export/formats.cpp", "#include \"core/parquet/module.h\""},
           Planted{"cli/serve.cpp", "#include <httplib.h>"},
           Planted{"core/harvest/harvester.cpp", "#include <spdlog/spdlog.h>"},
           Planted{"core/serve/openai_server.cpp", "#include <CLI/CLI.hpp>"},
           Planted{"core/teacher/openai_chat.cpp", "#include <toml++/toml.h>"},
           Planted{"core/harvest/harvester.cpp", "#include \"cli/progress.h\""},
           Planted{"core/harvest/harvester.cpp", "#include \"storage/reader.h\""},
           Planted{"core/harvest/harvester.cpp", "#include \"core/net/curl_transport.h\""},
           Planted{"core/harvest/harvester.cpp", "#include \"core/curate/ledger.h\""},
           Planted{"core/base/json.cpp", "#include \"core/corpus/records.h\""},
           Planted{"core/corpus/words.cpp", "#include \"core/harvest/planner.h\""},
           Planted{"storage/reader.cpp", "#include \"core/net/transport.h\""},
           Planted{"storage/reader.cpp", "#include \"cli/command.h\""},
           Planted{"cli/status.cpp", "#include \"storage/reader.h\""},
           Planted{"cli/train.cpp", "#include \"core/student/trainer.h\""},
           Planted{"cli/train.cpp", "#include \"core/student/module.h\""},
           Planted{"core/harvest/planner.h", "#include \"tests/catch.h\""},
           Planted{"core/brand_new/thing.cpp", "#include <vector>"},
           Planted{"core/harvest/harvester.cpp", "  now_ = std::chrono::steady_clock::now();"},
           Planted{"core/student/train_job.cpp", "  const auto begun = std::chrono::system_clock::now();"},
           Planted{"cli/demo.cpp", "  std::srand(std::time(nullptr));"},
           Planted{"storage/entry_writer.cpp", "  clock_gettime(CLOCK_REALTIME, &spec);"},
           Planted{"core/serve/openai_server.cpp", "  std::this_thread::sleep_for(20ms);"},
       }) {
    CAPTURE(planted.path, planted.line);
    CHECK(breaches(planted.path, std::string("// why\n#pragma once\n") + planted.line + "\n").size() == 1);
  }
}

TEST_CASE("what follows the arrows is let through", "[arrows]") {
  CHECK(breaches("core/net/curl_exchange.h", "#include <curl/curl.h>\n#include \"core/net/transport.h\"\n").empty());
  CHECK(breaches("storage/reader.cpp", "#include <sqlite3.h>\n#include \"core/corpus/records.h\"\n").empty());
  CHECK(breaches("cli/main.cpp", "#include \"storage/sqlite_corpora.h\"\n#include \"core/net/curl_transport.h\"\n")
            .empty());
  CHECK(breaches("cli/student_module.cpp", "#include \"core/student/module.h\"\n").empty());
  CHECK(breaches("core/base/clock.cpp", "return {std::chrono::steady_clock::now()};\n").empty());
  CHECK(breaches("core/harvest/harvester.cpp", "#include <vector>\n#include \"core/net/transport.h\"\n").empty());
}

TEST_CASE("a planted untidiness is found", "[arrows]") {
  CHECK(untidy("cli/a.cpp", std::string("// TO") + "DO: later\n").size() == 1);
  CHECK(untidy("tests/unit/a.cpp", std::string("int a;  // FIX") + "ME\n").size() == 1);
  CHECK(untidy("core/base/a.h", "struct A {};\n").size() == 1);
  CHECK(untidy("core/base/a.h", "// why\n#pragma once\nstruct A {};\n").empty());
  CHECK(untidy("core/student/a.h", "/* why */\n#ifndef RETORT_A_H\n#define RETORT_A_H\n#endif\n").empty());
  std::string long_file;
  for (int i = 0; i < 501; ++i) long_file += "int a;\n";
  CHECK(untidy("cli/a.cpp", long_file).size() == 1);
}

TEST_CASE("the checks read the files that are there", "[arrows]") {
  const TemporaryFolder folder;
  fs::create_directories(folder.path("core/base"));
  write_bytes(folder.path("core/base/a.h"), "#include \"cli/command.h\"\n");
  CHECK(check_all(folder.path(), {"core"}, breaches).size() == 1);
  CHECK(check_all(folder.path(), {"core"}, untidy).size() == 1);
}

}  // namespace retort
