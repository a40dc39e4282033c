// The gate: what stops, what passes, and what the manifest then says.
#include "core/curate/admission.h"

#include "core/base/hash.h"
#include "core/curate/pairs_digest.h"
#include "tests/catch.h"
#include "tests/support/memory_reader.h"

namespace retort {
namespace {

const Permission kPermission{"permission", "A. Person, 2026-11-22, letter in the file"};
const Permission kExplanation{"explanation", "quotes from a test of other models"};

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST_CASE("terms that allow training pass", "[admission]") {
  MemoryReader reader;
  for (RowId i = 1; i <= 200; ++i) reader.pairs.push_back(make_pair(i, "1+1?", "2"));
  const auto admission = admit(reader, {"train", {}, 0});
  REQUIRE_OK(admission);
  CHECK(admission->pairs == 200);
  CHECK(admission->frozen_at == 200);
  const Json& manifest = admission->manifest;
  CHECK(manifest["retort_manifest"] == 1);
  CHECK(manifest["command"] == "train");
  CHECK(manifest["view"] == "all");
  CHECK(manifest["pairs"] == 200);
  CHECK(manifest["digest"]["value"] == admission->digest);
  CHECK(manifest["terms"]["strictest"]["outputs_may_train"] == "yes");
  REQUIRE(manifest["sources"].size() == 1);
  CHECK(manifest["sources"][0]["pairs"] == 200);
  CHECK(manifest["sources"][0]["served_models"]["model-1"] == 200);
  CHECK(manifest["usage"]["input_tokens"] == 2000);
  CHECK(manifest["usage"]["reasoning_tokens"].is_null());
  CHECK(manifest["usage"]["cost_usd"] == 100.0);
  CHECK(manifest["obtained"]["first"] == "2023-11-14T22:13:20.001Z");
  CHECK(manifest["obtained"]["last"] == "2023-11-14T22:13:20.200Z");
  CHECK(reader.limit_most < 200);  // in steps, never all at once
}

TEST_CASE("unknown and forbidding terms stop, counted per teacher", "[admission]") {
  MemoryReader reader;
  for (RowId i = 1; i <= 5; ++i) reader.pairs.push_back(make_pair(i, "1+1?", "2"));
  reader.pairs[0].rights.outputs_may_train.reset();
  reader.pairs[1].rights.outputs_may_train.reset();
  reader.pairs[2].rights.outputs_may_train = false;
  reader.pairs[2].teacher.name = "strict";

  const auto stopped = admit(reader, {"export", {}, 0});
  REQUIRE(!stopped);
  CHECK(stopped.error().code == Errc::terms);
  CHECK(contains(stopped.error().message, "3 of 5 responses"));
  CHECK(contains(stopped.error().message, "'teacher' (model-1): 2 with unknown terms"));
  CHECK(contains(stopped.error().message, "'strict' (model-1): 1 whose terms forbid training"));
  CHECK(contains(stopped.error().message, "--permission"));

  SECTION("an explanation is no permission") { CHECK(!admit(reader, {"export", {kExplanation}, 0})); }
  SECTION("a permission lets them pass and stays in the manifest") {
    const auto passed = admit(reader, {"export", {kPermission}, 0});
    REQUIRE_OK(passed);
    const Json& manifest = passed->manifest;
    CHECK(manifest["terms"]["strictest"]["outputs_may_train"] == "no");
    CHECK(manifest["audit"]["pairs_without_right"] == 3);
    REQUIRE(manifest["permissions"].size() == 1);
    CHECK(manifest["permissions"][0]["statement"] == kPermission.statement);
    CHECK(manifest["permissions"][0]["stated"] == "now");
  }
  SECTION("so does one stored by an earlier run") {
    reader.stored = {kPermission};
    const auto passed = admit(reader, {"export", {}, 0});
    REQUIRE_OK(passed);
    CHECK(passed->manifest["permissions"][0]["stated"] == "earlier");
  }
  SECTION("pairs beyond the first so many do not matter") {
    std::swap(reader.pairs[0].rights, reader.pairs[3].rights);
    const auto passed = admit(reader, {"export", {}, 1});
    REQUIRE_OK(passed);
    CHECK(passed->pairs == 1);
    CHECK(passed->frozen_at == 1);
  }
}

TEST_CASE("the strictest terms are those of all sources together", "[admission]") {
  MemoryReader reader;
  for (RowId i = 1; i <= 3; ++i) reader.pairs.push_back(make_pair(i, "1+1?", "2"));
  reader.pairs[0].rights.conditions = {"attribution"};
  reader.pairs[1].rights.conditions = {"non-commercial", "attribution"};
  reader.pairs[2].rights.outputs_may_train.reset();
  reader.pairs[2].rights.licence = "unclear";
  const auto admission = admit(reader, {"train", {kPermission}, 0});
  REQUIRE_OK(admission);
  const Json& strictest = admission->manifest["terms"]["strictest"];
  CHECK(strictest["outputs_may_train"] == "unknown");
  CHECK(strictest["conditions"] == Json::array({"attribution", "non-commercial"}));
  CHECK(strictest["licences"] == Json::array({"MIT", "unclear"}));
  CHECK(admission->manifest["sources"].size() == 3);
}

TEST_CASE("an answer that names another maker stops until explained", "[admission]") {
  MemoryReader reader;
  for (RowId i = 1; i <= 3; ++i) reader.pairs.push_back(make_pair(i, "Who are you?", "I am a model."));
  reader.pairs[1].answer.text = "I was trained by OpenAI to be helpful, and this is a long story.";

  const auto check_stops = [&reader] {
    const auto stopped = admit(reader, {"export", {}, 0});
    REQUIRE(!stopped);
    CHECK(stopped.error().code == Errc::terms);
    CHECK(contains(stopped.error().message, "1 of 3 responses"));
    CHECK(contains(stopped.error().message, "1 name OpenAI (\"I was trained by OpenAI\")"));
    CHECK(contains(stopped.error().message, "--explain"));
    CHECK(!contains(stopped.error().message, "long story"));
    CHECK(!contains(stopped.error().message, "Who are you"));
  };
  SECTION("where the profile names no vendor") { check_stops(); }
  SECTION("where it names another one") {
    for (Pair& pair : reader.pairs) pair.teacher.vendor = "Alibaba Cloud";
    check_stops();
  }
  SECTION("in the reasoning as well") {
    std::swap(reader.pairs[1].answer.text, reader.pairs[1].answer.reasoning);
    check_stops();
  }
  SECTION("a permission is no explanation") { CHECK(!admit(reader, {"export", {kPermission}, 0})); }
  SECTION("not where the profile names the same") {
    for (Pair& pair : reader.pairs) pair.teacher.vendor = "openai";
    const auto passed = admit(reader, {"export", {}, 0});
    REQUIRE_OK(passed);
    CHECK(passed->manifest["audit"]["contradicting_pairs"] == 0);
    CHECK(passed->manifest["audit"]["self_identification"][0]["named"] == "OpenAI");
  }
  SECTION("not where the model's name says it may") {
    for (Pair& pair : reader.pairs) pair.teacher.model = "qwen-distilled-from-gpt-4";
    CHECK(admit(reader, {"export", {}, 0}));
  }
  SECTION("explained, it passes, and the counts stand") {
    const auto passed = admit(reader, {"export", {kExplanation}, 0});
    REQUIRE_OK(passed);
    const Json& audit = passed->manifest["audit"];
    CHECK(audit["contradicting_pairs"] == 1);
    CHECK(audit["self_identification"][0]["contradicting"] == 1);
    CHECK(audit["self_identification"][0]["example"] == "I was trained by OpenAI");
  }
}

TEST_CASE("both reasons to stop are told at once", "[admission]") {
  MemoryReader reader;
  reader.pairs.push_back(make_pair(1, "Who are you?", "I'm ChatGPT."));
  reader.pairs[0].rights.outputs_may_train.reset();
  const auto stopped = admit(reader, {"export", {}, 0});
  REQUIRE(!stopped);
  CHECK(contains(stopped.error().message, "--permission"));
  CHECK(contains(stopped.error().message, "--explain"));
  CHECK(admit(reader, {"export", {kPermission, kExplanation}, 0}));
}

TEST_CASE("the audit counts refusals, endings and other served models", "[admission]") {
  MemoryReader reader;
  for (RowId i = 1; i <= 40; ++i) {
    reader.pairs.push_back(make_pair(i, "1+1?", "2"));
    reader.pairs.back().answer.served_model = "served-" + std::to_string(i);
  }
  reader.pairs[0].answer.finish = Finish::refusal;
  reader.pairs[1].answer.refusal = "No.";
  reader.pairs[2].answer.usage.output.reset();
  const auto admission = admit(reader, {"export", {}, 0});
  REQUIRE_OK(admission);
  const Json& audit = admission->manifest["audit"];
  CHECK(audit["refusals"] == 2);
  CHECK(audit["served_model_differs"] == 40);
  CHECK(audit["finish"]["stop"] == 39);
  CHECK(admission->manifest["usage"]["pairs_without_usage"] == 1);
  CHECK(admission->manifest["sources"][0]["served_models"].size() == 21);  // bounded: twenty names and the others
  CHECK(admission->manifest["sources"][0]["served_models"]["(others)"] == 20);
}

TEST_CASE("the digest is the documented chain", "[admission]") {
  const Pair pair = make_pair(1, "1+1?", "2");
  const std::string content = sha256_hex(
      R"({"messages":[{"content":"1+1?","role":"user"}],"reasoning":"","refusal":"","text":"2","tool_calls":null})");
  CHECK(content_digest(pair) == content);
  PairsDigest digest;
  CHECK(digest.hex() == sha256_hex(""));
  digest.add(pair);
  CHECK(digest.hex() == sha256_hex(sha256_hex("") + content));
  Pair other = pair;
  other.response = 99;
  other.cost = Usd::from_dollars(7);
  CHECK(content_digest(other) == content);
  other.answer.text = "3";
  CHECK(content_digest(other) != content);
}

TEST_CASE("what is read again is what was admitted", "[admission]") {
  MemoryReader reader;
  for (RowId i = 1; i <= 150; ++i) reader.pairs.push_back(make_pair(2 * i, "1+1?", std::to_string(i)));
  const auto admission = admit(reader, {"export", {}, 0});
  REQUIRE_OK(admission);
  std::vector<RowId> seen;
  const auto collect = [&seen](const Pair& pair) -> Result<void> {
    seen.push_back(pair.response);
    return {};
  };
  SECTION("though a harvest goes on") {
    reader.pairs.push_back(make_pair(1000, "new", "new"));
    REQUIRE_OK(read_admitted(reader, *admission, collect));
    CHECK(seen.size() == 150);
    CHECK(seen.back() == 300);
  }
  SECTION("a pair that vanished is noticed") {
    reader.pairs.erase(reader.pairs.begin() + 70);
    const auto read = read_admitted(reader, *admission, collect);
    REQUIRE(!read);
    CHECK(read.error().code == Errc::corpus);
  }
  SECTION("a pair that changed is noticed") {
    reader.pairs[70].answer.text = "something else";
    CHECK(!read_admitted(reader, *admission, collect));
  }
  SECTION("an error of the user ends it") {
    const auto read = read_admitted(reader, *admission, [&](const Pair& pair) -> Result<void> {
      seen.push_back(pair.response);
      return fail(Errc::disk, "full");
    });
    REQUIRE(!read);
    CHECK(read.error().code == Errc::disk);
    CHECK(seen.size() == 1);
  }
}

TEST_CASE("an empty corpus is admitted as nothing", "[admission]") {
  MemoryReader reader;
  const auto admission = admit(reader, {"export", {}, 0});
  REQUIRE_OK(admission);
  CHECK(admission->pairs == 0);
  CHECK(admission->manifest["obtained"]["first"].is_null());
  CHECK(admission->manifest["terms"]["strictest"]["outputs_may_train"] == "unknown");
}

TEST_CASE("statements must say something", "[admission]") {
  CHECK(!permissions_of({" \t"}, {}));
  CHECK(!permissions_of({}, {""}));
  const auto both = permissions_of({" by mail "}, {"a test"});
  REQUIRE_OK(both);
  REQUIRE(both->size() == 2);
  CHECK((*both)[0].kind == "permission");
  CHECK((*both)[0].statement == "by mail");
  CHECK((*both)[1].kind == "explanation");
}

}  // namespace
}  // namespace retort
