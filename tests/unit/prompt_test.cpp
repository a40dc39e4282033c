// Prompts as people have them: JSON lines of many shapes, plain text, and mistakes.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>

#include <unistd.h>

#include "core/prompt/images.h"
#include "core/prompt/prompt_feed.h"
#include "core/prompt/prompt_source.h"
#include "tests/catch.h"

using namespace retort;

namespace {

PromptEvent parse(const std::string& line, PromptSettings settings = {}, PromptFormat format = PromptFormat::jsonl) {
  return parse_prompt_line(line, format, settings, "f", 7);
}
PromptRow good(const PromptEvent& event) {
  if (const auto* bad = std::get_if<BadRow>(&event)) FAIL(bad->problem);
  return std::get<PromptRow>(event);
}
std::string problem(const PromptEvent& event) {
  REQUIRE(std::holds_alternative<BadRow>(event));
  CHECK(std::get<BadRow>(event).row == 7);
  return std::get<BadRow>(event).problem;
}
std::string content(const PromptRow& row) { return row.messages.json().back()["content"]; }

struct TemporaryFile {
  explicit TemporaryFile(const std::string& text, const std::string& ending) {
    path = "/tmp/retort_prompt_test_" + std::to_string(getpid()) + ending;
    std::ofstream(path, std::ios::binary) << text;
  }
  ~TemporaryFile() { std::remove(path.c_str()); }
  std::string path;
};

}  // namespace

TEST_CASE("JSON lines bring messages, a prompt, or fields for a template") {
  CHECK(content(good(parse(R"({"messages":[{"role":"user","content":"a"}]})"))) == "a");
  CHECK(content(good(parse(R"({"prompt":"b","reference":12,"family":"sum"})"))) == "b");
  const PromptRow row = good(parse(R"({"prompt":"b","reference":12,"family":"sum"})"));
  CHECK(row.reference == "12");
  CHECK(good(parse(R"({"prompt":"b","reference":null})")).reference.empty());
  CHECK(row.metadata == Json({{"family", "sum"}}));
  CHECK(good(parse(R"({"prompt":"b"})")).metadata.is_null());
  CHECK(good(parse(R"({"prompt":"b","metadata":{}})")).metadata.is_null());
  CHECK(good(parse(R"({"prompt":"b","metadata":{"family":"sum","level":2},"level":1})")).metadata ==
        Json({{"family", "sum"}, {"level", 1}}));
  CHECK(good(parse(R"({"prompt":"b","metadata":"old"})")).metadata == Json({{"metadata", "old"}}));
  PromptSettings settings;
  settings.prompt_template = "Solve: {{ question }} ({{n}})";
  CHECK(content(good(parse(R"({"question":"x?","n":3})", settings))) == "Solve: x? (3)");
  settings.prompt_template.clear();
  settings.system = "be brief";
  const PromptRow with_system = good(parse(R"({"prompt":"b"})", settings));
  CHECK(with_system.messages.json().size() == 2);
  CHECK(with_system.messages.json()[0]["role"] == "system");
}

TEST_CASE("a bad row says what is wrong with it") {
  CHECK_THAT(problem(parse("{broken")), ContainsText("not JSON"));
  CHECK_THAT(problem(parse("[1]")), ContainsText("object"));
  CHECK_THAT(problem(parse(R"({"question":"x"})")), ContainsText("--prompt-template"));
  CHECK_THAT(problem(parse(R"({"messages":[]})")), ContainsText("messages"));
  CHECK_THAT(problem(parse(R"({"messages":[{"content":"x"}]})")), ContainsText("role"));
  CHECK_THAT(problem(parse(R"({"messages":[{"role":"user"}]})")), ContainsText("content"));
  PromptSettings settings;
  settings.prompt_template = "{{missing}}";
  CHECK_THAT(problem(parse(R"({"x":1})", settings)), ContainsText("missing"));
  CHECK_THAT(problem(parse("\xff", {}, PromptFormat::text)), ContainsText("UTF-8"));
}

TEST_CASE("files are read by their ending, rows keep their line numbers") {
  const TemporaryFile text("one\r\n\n  two\n", ".txt");
  auto source = open_prompts({text.path}, {});
  REQUIRE_OK(source);
  CHECK(content(good(*(*source)->next())) == "one");
  const PromptRow two = good(*(*source)->next());
  CHECK(content(two) == "two");
  CHECK(two.row == 3);
  CHECK_FALSE((*source)->next());
  CHECK((*source)->fraction_read() == 1.0);
  const TemporaryFile json("\xEF\xBB\xBF{\"prompt\":\"a\"}\n{bad\n", ".jsonl");
  auto rows = open_prompts({json.path}, {});
  REQUIRE_OK(rows);
  CHECK(content(good(*(*rows)->next())) == "a");
  CHECK(std::get<BadRow>(*(*rows)->next()).row == 2);
  CHECK_FALSE(open_prompts({"/nonexistent/x.jsonl"}, {}));
  CHECK_FALSE(open_prompts({"/tmp"}, {}));
}

TEST_CASE("a background feed delivers everything, in order, and ends") {
  std::string lines;
  for (int i = 0; i < 5000; ++i) lines += "q" + std::to_string(i) + "\n";
  const TemporaryFile text(lines, ".txt");
  auto source = open_prompts({text.path}, {});
  REQUIRE_OK(source);
  std::atomic<int> woken = 0;
  BackgroundFeed feed(std::move(*source), [&] { ++woken; });
  int seen = 0;
  while (true) {
    const FeedEvent event = feed.poll();
    if (std::holds_alternative<EndOfPrompts>(event)) break;
    if (std::holds_alternative<NothingYet>(event)) {
      while (woken.exchange(0) == 0) usleep(100);
      continue;
    }
    REQUIRE(content(std::get<PromptRow>(event)) == "q" + std::to_string(seen));
    ++seen;
  }
  CHECK(seen == 5000);
}

TEST_CASE("a feed over a silent pipe does not hold its owner") {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  const std::string path = "/dev/fd/" + std::to_string(ends[0]);
  auto source = open_prompts({path}, {});
  REQUIRE_OK(source);
  {
    BackgroundFeed feed(std::move(*source), [] {});
    CHECK(std::holds_alternative<NothingYet>(feed.poll()));
  }
  close(ends[1]);
  close(ends[0]);
}

TEST_CASE("images that a prompt names by path become their data, beside the file of prompts") {
  using namespace std::string_literals;
  const TemporaryFile png("\x89PNG\r\n\x1a\nabc"s, ".png"), text("no image", ".txt");
  const std::string folder = "/tmp/", name = png.path.substr(folder.size());
  const auto asked = [](const Json& part) {
    return Json::array({{{"role", "user"}, {"content", Json::array({{{"type", "text"}, {"text", "?"}}, part})}}});
  };
  const Json prompt = asked({{"type", "image"}, {"path", name}, {"detail", "low"}});
  const TemporaryFile rows(dump_json({{"messages", prompt}}) + "\n" +
                               dump_json({{"messages", asked({{"type", "image"}, {"path", "no.png"}})}}) + "\n",
                           ".jsonl");
  auto source = open_prompts({rows.path}, {});
  REQUIRE_OK(source);
  auto first = (*source)->next();
  REQUIRE(first);
  const PromptRow row = std::get<PromptRow>(*first);
  const Json made = {{"type", "image_url"},
                     {"image_url", {{"url", "data:image/png;base64,iVBORw0KGgphYmM="}, {"detail", "low"}}}};
  CHECK(row.messages.json()[0]["content"][1] == made);
  auto second = (*source)->next();
  REQUIRE(second);
  CHECK_THAT(std::get<BadRow>(*second).problem, ContainsText("'/tmp/no.png' is no file"));

  // What the digest covers is the image, not its name.
  std::ofstream(png.path, std::ios::binary) << "\x89PNG\r\n\x1a\nabd"s;
  const auto other = read_images(prompt, folder);
  REQUIRE_OK(other);
  CHECK(Messages(*other).digest() != row.messages.digest());

  const auto refused = [&](const Json& part) {
    const auto read = read_images(asked(part), folder);
    REQUIRE_FALSE(read);
    return read.error().message;
  };
  CHECK_THAT(refused({{"type", "image"}, {"path", text.path}}), ContainsText("no PNG, JPEG, GIF or WebP"));
  CHECK_THAT(refused({{"type", "image"}, {"path", "/tmp"}}), ContainsText("no file"));
  CHECK_THAT(refused({{"type", "image"}, {"url", "http://example.org/a.png"}}), ContainsText("https://"));
  CHECK_THAT(refused({{"type", "image"}}), ContainsText("'path' or a 'url'"));
  CHECK_THAT(refused({{"type", "image"}, {"path", "a"}, {"url", "b"}}), ContainsText("'path' or a 'url'"));
  const auto by_url = read_images(asked({{"type", "image"}, {"url", "https://example.org/a.png"}}), "");
  REQUIRE_OK(by_url);
  CHECK((*by_url)[0]["content"][1] ==
        Json({{"type", "image_url"}, {"image_url", {{"url", "https://example.org/a.png"}}}}));
  std::filesystem::resize_file(png.path, kImageBytesMax + 1);
  CHECK_THAT(refused({{"type", "image"}, {"path", png.path}}), ContainsText("20 MiB"));
}

TEST_CASE("images are known by their first bytes, and base64 is the one of RFC 4648") {
  using namespace std::string_view_literals;
  CHECK(image_type("\xff\xd8\xff\xe0"sv) == "image/jpeg");
  CHECK(image_type("GIF89a"sv) == "image/gif");
  CHECK(image_type("RIFF\0\0\0\0WEBPVP8 "sv) == "image/webp");
  CHECK(image_type("RIFF\0\0\0\0WAVE"sv).empty());
  CHECK(image_type("").empty());
  for (const auto& [bytes, text] : std::map<std::string, std::string>{{"", ""},
                                                                      {"f", "Zg=="},
                                                                      {"fo", "Zm8="},
                                                                      {"foo", "Zm9v"},
                                                                      {"foob", "Zm9vYg=="},
                                                                      {"fooba", "Zm9vYmE="},
                                                                      {"foobar", "Zm9vYmFy"},
                                                                      {"\xff\xfe\xfd", "//79"}}) {
    CHECK(base64(bytes) == text);
  }
}
