// The configuration: every mistake is one line that names the file, the place and the mend.
#include <cstdlib>

#include "cli/config.h"
#include "cli/sampling.h"
#include "tests/catch.h"

using namespace retort;

namespace {

const std::string kTeacher = R"(
[teacher.r1]
api = "openai-chat"
base_url = "http://127.0.0.1:8000/v1/"
model = "m"
)";

TeacherProfile profile(const std::string& more) {
  auto configuration = parse_configuration(kTeacher + more, "retort.toml");
  REQUIRE_OK(configuration);
  return configuration->teachers.at("r1");
}
std::string problem(const std::string& text) {
  auto configuration = parse_configuration(text, "retort.toml");
  REQUIRE_FALSE(configuration);
  CHECK(configuration.error().code == Errc::usage);
  CHECK_THAT(configuration.error().message, ContainsText("retort.toml"));
  return configuration.error().message;
}

}  // namespace

TEST_CASE("a profile says everything about its teacher") {
  const TeacherProfile r1 = profile(R"(
api_key_env = "K"
licence = "MIT"
terms_checked = 2026-11-22
conditions = ["attribution"]
outputs_may_train = true
requests_per_minute = 3000
max_in_flight = 7
timeout_seconds = 5
price_output_per_million = 2.19
[teacher.r1.parameters]
temperature = 0.6
max_tokens = 100
)");
  CHECK(r1.identity.base_url == "http://127.0.0.1:8000/v1");
  CHECK(r1.terms.licence == "MIT");
  CHECK(r1.terms.terms_checked == "2026-11-22");
  CHECK(r1.terms.conditions == std::vector<std::string>{"attribution"});
  CHECK(r1.terms.outputs_may_train == true);
  CHECK(r1.limits.requests_per_minute == 3000);
  CHECK(r1.limits.in_flight_max == 7);
  CHECK(r1.total_timeout == 5s);
  CHECK(r1.parameters == Json({{"temperature", 0.6}}));
  CHECK(r1.max_tokens == 100);
  CHECK_FALSE(profile("").terms.outputs_may_train);  // unset means unknown
}

TEST_CASE("mistakes are named, with what was meant") {
  CHECK_THAT(problem(kTeacher + "requets_per_minute = 3"), ContainsText("did you mean 'requests_per_minute'"));
  CHECK_THAT(problem(kTeacher + "api_key = 'sk'"), ContainsText("api_key_env"));
  CHECK_THAT(problem(kTeacher + "user_agent = 'Mozilla'"), ContainsText("always says who it is"));
  CHECK_THAT(problem(kTeacher + "requests_per_minute = 'many'"), ContainsText("must be a number"));
  CHECK_THAT(problem(kTeacher + "outputs_may_train = 'yes'"), ContainsText("true or false"));
  CHECK_THAT(problem("[teacher.x]\napi = 'openai-chat'\nmodel = 'm'"), ContainsText("base_url"));
  CHECK_THAT(problem("[teacher.x]\napi='openai-chat'\nmodel='m'\nbase_url='ftp://x'"), ContainsText("http://"));
  CHECK_THAT(problem("[teacher.x]\napi='openai-chat'\nmodel='m'\nbase_url='http://u:p@x/v1'"),
             ContainsText("credential"));
  CHECK_THAT(problem("[teacher.x\n"), ContainsText(":1:"));
  CHECK_THAT(problem("[student]\n"), ContainsText("student"));
  auto configuration = parse_configuration(kTeacher, "retort.toml");
  REQUIRE_OK(configuration);
  CHECK_THAT(find_teacher(*configuration, "r2").error().message, ContainsText("did you mean 'r1'"));
}

TEST_CASE("a key comes from its variable, whole, and travels in clear text only at home") {
  TeacherProfile r1 = profile("api_key_env = 'RETORT_TEST_KEY'");
  unsetenv("RETORT_TEST_KEY");
  CHECK_THAT(credential_of(r1).error().message, ContainsText("RETORT_TEST_KEY"));
  setenv("RETORT_TEST_KEY", "secret\n", 1);
  CHECK_FALSE(credential_of(r1));
  CHECK(credential_of(r1).error().message.find("secret") == std::string::npos);
  setenv("RETORT_TEST_KEY", "secret", 1);
  REQUIRE_OK(credential_of(r1));
  CHECK(*credential_of(r1) == "secret");
  for (const char* near : {"http://localhost:1/v1", "http://10.0.0.5/v1", "http://172.20.1.1/v1", "http://box/v1",
                           "http://[::1]:80/v1", "https://api.example.com/v1"}) {
    r1.identity.base_url = near;
    CHECK(credential_of(r1));
  }
  for (const char* far : {"http://api.example.com/v1", "http://8.8.8.8/v1", "http://172.40.1.1/v1"}) {
    r1.identity.base_url = far;
    CHECK_FALSE(credential_of(r1));
  }
  unsetenv("RETORT_TEST_KEY");
}

TEST_CASE("limits by kind and by day, prices by the hour, and whether to wait for a server") {
  const TeacherProfile r1 = profile(R"(
input_tokens_per_minute = 1000
output_tokens_per_minute = 2000
requests_per_day = 30
tokens_per_day = 40
price_input_per_million = 1.0
price_output_per_million = 2.0
price_cached_input_per_million = 0.1
price_windows = [{ from = "16:30", to = "00:30", input_per_million = 0.5 }]
)");
  CHECK(r1.limits.input_tokens_per_minute == 1000);
  CHECK(r1.limits.output_tokens_per_minute == 2000);
  CHECK(r1.limits.requests_per_day == 30);
  CHECK(r1.limits.tokens_per_day == 40);
  CHECK(r1.settings.prices.has_windows());
  const WallTime night{17 * 3'600'000}, noon{12 * 3'600'000};
  CHECK(r1.settings.prices.of(1'000'000, 1'000'000, 0, night).dollars() == Approx(2.5));  // output as usual
  CHECK(r1.settings.prices.of(1'000'000, 0, 1'000'000, noon).dollars() == Approx(0.1));
  CHECK(r1.origin == "http://127.0.0.1:8000");
  CHECK(r1.wait_until_ready);  // it is on this machine
  CHECK_FALSE(profile("wait_until_ready = false\n").wait_until_ready);

  const auto windows = [](const std::string& list) { return problem(kTeacher + "price_windows = " + list + "\n"); };
  CHECK_THAT(windows("3"), ContainsText("list of tables"));
  CHECK_THAT(windows("[3]"), ContainsText("list of tables"));
  CHECK_THAT(windows(R"([{ from = "24:00", to = "01:00" }])"), ContainsText("'from'"));
  CHECK_THAT(windows(R"([{ from = "01:00" }])"), ContainsText("'to'"));
  CHECK_THAT(windows(R"([{ from = "01:00", to = "02:00", price = 1 }])"), ContainsText("unknown key 'price'"));
  CHECK_THAT(windows(R"([{ from = "01:00", to = "02:00", input_per_million = -1 }])"), ContainsText("at least 0"));
}

TEST_CASE("a name that begins like a private address is somebody's server: no key in clear text to it") {
  setenv("RETORT_TEST_KEY", "secret", 1);
  const auto key_for = [](const std::string& host) {
    auto configuration = parse_configuration("[teacher.t]\napi = \"openai-chat\"\nmodel = \"m\"\nbase_url = \"http://" +
                                                 host + "/v1\"\napi_key_env = \"RETORT_TEST_KEY\"\n",
                                             "retort.toml");
    REQUIRE_OK(configuration);
    return credential_of(configuration->teachers.at("t"));
  };
  for (const char* ours : {"127.0.0.1:8000", "10.0.0.7", "192.168.1.2:80", "172.20.0.1", "localhost", "box"})
    CHECK(key_for(ours).has_value());
  for (const char* theirs :
       {"10.example.org", "127.0.0.1.example.org", "172.32.0.1", "example.org", "192.168.evil.net"}) {
    INFO(theirs);
    CHECK_FALSE(key_for(theirs).has_value());
  }
  unsetenv("RETORT_TEST_KEY");
}

TEST_CASE("a fleet's endpoints are one's own: anything else is refused in a line") {
  const auto fleet = [](const std::string& urls) {
    return parse_configuration("[teacher.r1]\napi = 'openai-chat'\nmodel = 'm'\nbase_urls = " + urls + "\n",
                               "retort.toml");
  };
  for (const char* own : {"['http://127.0.0.1:8000/v1/', 'http://127.0.0.1:8001/v1']",
                          "['http://10.0.0.5/v1', 'http://box2:8000/v1', 'http://[fd00::1]/v1']",
                          "['https://gpu1.example.org/v1', 'https://gpu2.example.org/v1']",
                          "['https://example.org/a', 'https://gpu2.lab.example.org/v1', 'https://example.org/b']",
                          "['https://a.lab.example.co.uk', 'https://b.lab.example.co.uk']"}) {
    INFO(own);
    CHECK(fleet(own));
  }
  for (const char* others :
       {"['https://gpu1.example.org/v1', 'https://gpu1.example.com/v1']",
        "['https://a.co.uk/v1', 'https://b.co.uk/v1']", "['https://example.org/v1', 'https://example2.org/v1']",
        "['http://127.0.0.1:1/v1', 'https://x.example.org/v1']",
        "['https://x.example.org/v1', 'http://127.0.0.1:1/v1']", "['http://8.8.8.8/v1', 'http://7.8.8.8/v1']"}) {
    INFO(others);
    const auto read = fleet(others);
    REQUIRE_FALSE(read);
    CHECK_THAT(read.error().message, ContainsText("are not of one domain"));
  }
  for (const char* provider :
       {"['https://api.openai.com/v1', 'https://api.openai.com/v2']",
        "['https://one.openai.azure.com/openai/v1', 'https://two.openai.azure.com/openai/v1']"}) {
    const auto read = fleet(provider);
    REQUIRE_FALSE(read);
    CHECK_THAT(read.error().message, ContainsText("one front door"));
  }
  for (const char* no_list : {"[]", "'http://127.0.0.1:1'", "['http://127.0.0.1:1', 'http://127.0.0.1:1/']", "[1]"}) {
    INFO(no_list);
    const auto read = fleet(no_list);
    REQUIRE_FALSE(read);
    CHECK_THAT(read.error().message, ContainsText("'base_urls' must be a list of different URLs"));
  }
  CHECK_THAT(fleet("['http://127.0.0.1:1', 'ftp://127.0.0.1:2']").error().message,
             ContainsText("(number 2) must start"));
  CHECK_THAT(problem("[teacher.r1]\napi = 'openai-chat'\nmodel = 'm'\nbase_url = ['http://127.0.0.1:1']"),
             ContainsText("several of one teacher stand in 'base_urls'"));
  CHECK_THAT(problem(kTeacher + "base_urls = ['http://127.0.0.1:1']"), ContainsText("beside 'base_url'"));

  const std::string whole = "[teacher.r1]\napi = 'openai-chat'\nmodel = 'm'\nbase_url = ";
  for (const auto& [url, what] : std::initializer_list<std::pair<const char*, const char*>>{
           {"'http://127.0.0.1:1/v1?api-version=1'", "holds a '?'"},
           {"'http://127.0.0.1:1/v1#top'", "or '#'"},
           {"'http://127.0.0.1:1/v 1'", "holds a blank"},
           {"'http://127.0.0.1:80800/v1'", "'80800'"},
           {"'http://127.0.0.1:0/v1'", "port that there is not"},
           {"'http://127.0.0.1:http/v1'", "'http'"},
           {"'http://me:secret@127.0.0.1:1/v1'", "holds a credential"}}) {
    CAPTURE(url);
    CHECK_THAT(problem(whole + url), ContainsText(what));
    CHECK_THAT(problem(whole + url), !ContainsText("secret"));
  }

  TeacherProfile two = fleet("['http://127.0.0.1:8001/v1/', 'http://127.0.0.1:8000/v1']")->teachers.at("r1");
  CHECK(two.identity.base_url == "http://127.0.0.1:8001/v1");
  CHECK(two.endpoints == std::vector<std::string>{"http://127.0.0.1:8001/v1", "http://127.0.0.1:8000/v1"});
  CHECK(two.origin == "http://127.0.0.1:8000 http://127.0.0.1:8001");
  CHECK(fleet("['http://127.0.0.1:8001/v1']")->teachers.at("r1").endpoints.empty());
  two.api_key_env = "RETORT_TEST_KEY";
  setenv("RETORT_TEST_KEY", "secret", 1);
  CHECK(credential_of(two));
  two.endpoints[1] = "http://gpu2.example.org/v1";
  CHECK_FALSE(credential_of(two));
  unsetenv("RETORT_TEST_KEY");
}

TEST_CASE("what goes into a provider's cache has its price") {
  const WallTime at{0};
  const auto cost = [&](const TeacherProfile& one) {
    return one.settings.prices.of(1'000'000, 0, 200'000, at, 400'000).dollars();
  };
  CHECK(cost(profile("price_input_per_million = 1.0")) == Approx(1.0));
  CHECK(cost(profile("price_input_per_million = 1.0\nprice_cache_write_per_million = 2.0")) == Approx(1.4));
  const auto claude = parse_configuration(
      "[teacher.c]\npreset = 'anthropic'\nmodel = 'm'\nprice_input_per_million = 4.0\n"
      "price_cached_input_per_million = 0.4\n",
      "retort.toml");
  REQUIRE_OK(claude);
  const Prices& prices = claude->teachers.at("c").settings.prices;
  CHECK(cost(claude->teachers.at("c")) == Approx(0.4 * 4 + 0.2 * 0.4 + 0.4 * 5));
  CHECK(prices.most(1'000'000, 0).dollars() == Approx(5));
}

TEST_CASE("--set sends a token limit under the name that it was given") {
  const auto body_with = [](const std::string& set) {
    SamplingFlags flags;
    flags.set = {set};
    TeacherProfile asked = profile("");
    REQUIRE_OK(apply_sampling(flags, asked));
    CHECK(asked.max_tokens == 5);
    const auto teacher = make_teacher(asked.identity.dialect, asked.settings);
    REQUIRE_OK(teacher);
    const Json messages = Json::array({{{"role", "user"}, {"content", "hi"}}});
    return (*teacher)->encode({messages, asked.parameters, asked.max_tokens}).body;
  };
  CHECK_THAT(body_with("max_completion_tokens=5"), ContainsText("\"max_completion_tokens\":5"));
  CHECK_THAT(body_with("max_completion_tokens=5"), !ContainsText("\"max_tokens\""));
  CHECK_THAT(body_with("max_tokens=5"), ContainsText("\"max_tokens\":5"));
}
