// What each audit says of a pair, beside the labelled answers.
#include <cmath>
#include <set>

#include "core/curate/audit/audit.h"
#include "core/curate/audit/censorship.h"
#include "core/curate/audit/completeness.h"
#include "core/curate/audit/identity_audit.h"
#include "core/curate/audit/language.h"
#include "core/curate/audit/personal_data.h"
#include "core/curate/audit/refusal.h"
#include "core/curate/audit/repetition.h"
#include "tests/catch.h"

namespace retort {
namespace {

Answered answer(std::string_view text, std::string_view prompt = "") {
  Answered pair;
  pair.text = text;
  pair.prompt = prompt;
  return pair;
}

TEST_CASE("each audit has a name and a digest of its own, which its settings change", "[audit]") {
  std::set<std::string> kinds, digests;
  for (const auto& audit : standard_audits()) {
    kinds.insert(audit->kind());
    digests.insert(audit->digest());
    CHECK(audit->digest().size() == 64);
    CHECK(!audit->judge({}).value.empty() == (audit->kind() == "empty"));
  }
  CHECK(kinds.size() == 8);
  CHECK(digests.size() == 8);
  CHECK(RepetitionAudit({200, 4, 0.25}).digest() != RepetitionAudit().digest());
  CHECK(RepetitionAudit().digest() == RepetitionAudit().digest());
  CHECK(LanguageAudit().digest() != LanguageAudit({30, 40, 0.6, 0.15}).digest());
}

TEST_CASE("no bytes do harm to an audit", "[audit]") {
  std::string hostile("\xff\xfe\x80 \xe4\xb8 I can't help you \xf0\x9f");
  hostile += std::string(3, '\0');
  for (const auto& audit : standard_audits()) {
    Answered pair = answer(hostile, hostile);
    pair.reasoning = hostile;
    pair.refusal = "";
    CHECK(audit->judge(pair).reason.find('\n') == std::string::npos);
  }
}

TEST_CASE("the prompt is the last thing the user wrote", "[audit]") {
  CHECK(prompt_text(Json::parse(
            R"([{"role":"user","content":"a"},{"role":"assistant","content":"b"},{"role":"user","content":"c"}])")) ==
        "c");
  CHECK(
      prompt_text(Json::parse(
          R"([{"role":"user","content":[{"type":"text","text":"a"},{"type":"image_url"},{"type":"text","text":"b"}]}])")) ==
      "a\nb");
  CHECK(prompt_text(Json::parse(R"([{"role":"system","content":"a"}])")).empty());
  CHECK(prompt_text(nullptr).empty());
}

TEST_CASE("a refusal has its kind and its words", "[audit][refusal]") {
  const RefusalAudit audit;
  const Label full = audit.judge(answer("I'm sorry, but I can't assist with that."));
  CHECK(full.value == "refusal");
  CHECK(full.reason == "declines: I'm sorry, but I can't assist with that.");
  CHECK(audit.judge(answer("Here are the first two steps of the plan.\n\nI can't help with the third step.")).value ==
        "partial");
  CHECK(audit.judge(answer("Let's talk about something else.")).value == "deflection");
  Answered filtered = answer("");
  filtered.finish = Finish::content_filter;
  CHECK(audit.judge(filtered).value == "content_filter");
  Answered refused = answer("");
  refused.refusal = "I can't\ndo that";
  CHECK(audit.judge(refused).reason == "the provider's refusal: I can't do that");
  CHECK(audit.judge(refused).score == 1);
  CHECK(!audit.judge(answer("```\nprint(\"I can't help\")\nI can't help with that.\n```")).found());
  CHECK(!audit.judge(answer("> I can't help with that.\n\nThat is what it said.")).found());
}

TEST_CASE("models are the same whatever their snapshot and spelling", "[audit]") {
  for (const char* other : {"gpt-4o", "openai/gpt-4o", "GPT-4o-2024-08-06", "gpt-4o-latest", "gpt_4o", "gpt-4o-0806"}) {
    CAPTURE(other);
    CHECK(same_model("gpt-4o", other));
  }
  CHECK(same_model("claude-3-5-sonnet-20241022", "claude-3.5-sonnet@20240620"));
  CHECK(same_model("gemini-1.5-pro-001", "models/gemini-1.5-pro"));
  CHECK(same_model("command-r-08-2024", "command-r"));
  CHECK(same_model("meta-llama/Llama-3.1-8B-Instruct", "/models/llama-3.1-8b-instruct.gguf"));
  CHECK(!same_model("gpt-4o", "gpt-4o-mini"));
  CHECK(!same_model("gpt-4", "gpt-3.5-turbo-0613"));
  CHECK(!same_model("qwen2.5-7b", "qwen2.5-14b"));
  CHECK(!same_model("deepseek-r1", "deepseek-v3"));
  Answered pair;
  pair.model_asked = "deepseek-r1";
  CHECK(!ServedModelAudit().judge(pair).found());
  pair.model_served = "deepseek-v3";
  CHECK(ServedModelAudit().judge(pair).reason == "asked for deepseek-r1, served deepseek-v3");
}

TEST_CASE("what is cut shows it", "[audit]") {
  const TruncationAudit audit;
  const std::string prose =
      "The river rises in the hills above the town and runs for ninety miles before it reaches the sea. On its way it "
      "passes three mills and a lock, and there the boats wait until the water has risen, which takes ";
  CHECK(audit.judge(answer(prose + "an hour.")).value.empty());
  CHECK(audit.judge(answer(prose + "the")).value == "mid_sentence");
  CHECK(audit.judge(answer(prose + "an hour,")).value == "mid_sentence");
  CHECK(audit.judge(answer("Use this:\n```python\nprint(1)\n")).value == "open_fence");
  CHECK(audit.judge(answer("Use this:\n```python\nx = '$$'\n```\nDone.")).value.empty());
  CHECK(audit.judge(answer("So \\[ x = \\frac{1}{2}")).value == "open_math");
  CHECK(audit.judge(answer("$$x$$ and \\[y\\] and \\begin{a}\\end{a}")).value.empty());
  Answered cut = answer("It is");
  cut.finish = Finish::length;
  CHECK(audit.judge(cut).value == "length");
}

TEST_CASE("nothing is told from nothing", "[audit]") {
  const EmptyAudit audit;
  CHECK(audit.judge(answer(" \n")).value == "empty");
  CHECK(audit.judge(answer("...\n---")).value == "no_words");
  CHECK(audit.judge(answer("42")).value.empty());
  CHECK(audit.judge(answer("👍")).value.empty());
  CHECK(audit.judge(answer("是")).value.empty());
  Answered thinking;
  thinking.reasoning = "Hm.";
  CHECK(audit.judge(thinking).value == "reasoning_only");
  thinking.tool_calls = true;
  CHECK(audit.judge(thinking).value.empty());
}

TEST_CASE("loops are found with their place and period", "[audit][repetition]") {
  std::string loop;
  for (int i = 0; i < 12; ++i) loop += "So the sum is 14 and we check it again. ";
  const std::string text = "First we add the numbers one by one. " + loop + "Done.";
  const Loop found = longest_loop(text);
  CHECK(found.period == 40);
  CHECK(found.begin <= 37);
  CHECK(found.end >= 37 + 480);
  CHECK(found.times() >= 12);
  const Label label = RepetitionAudit().judge(answer(text));
  CHECK(label.value == "loop");
  CHECK(label.score > 0.8);
  Answered thinking;
  thinking.reasoning = text;
  CHECK(RepetitionAudit().judge(thinking).value == "reasoning_loop");
  CHECK(RepetitionAudit().judge(answer(std::string(500, 'a'))).value == "loop");
}

TEST_CASE("a paragraph that repeats words of its own loops as a whole", "[audit][repetition]") {
  const std::string paragraph =
      "We try two. We try three. We try four, and then we try two again, and so on until we stop.\n";
  std::string text = "Let me think about this in some detail.\n";
  for (int i = 0; i < 6; ++i) text += paragraph;
  const Loop found = longest_loop(text);
  CHECK(found.period == paragraph.size());
  CHECK(found.end == text.size());
  CHECK(found.end - found.begin >= 5 * paragraph.size());
}

TEST_CASE("lists, tables and verses are no loops", "[audit][repetition]") {
  std::string table = "| a | b |\n|---|---|\n";
  for (int i = 0; i < 40; ++i) table += "| " + std::to_string(i) + " | " + std::to_string(i * i) + " |\n";
  CHECK(!RepetitionAudit().judge(answer(table)).found());
  CHECK(!RepetitionAudit().judge(answer(std::string(400, '-'))).found());
  CHECK(!RepetitionAudit()
             .judge(answer("Row, row, row your boat\nGently down the stream\nMerrily, merrily, merrily, merrily\n"
                           "Life is but a dream\n"))
             .found());
  CHECK(!RepetitionAudit().judge(answer("")).found());
}

TEST_CASE("languages are told from prose, not from code", "[audit][language]") {
  CHECK(language_of("Photosynthesis turns sunlight into sugar inside the leaves of plants.").language() == "en");
  CHECK(language_of("光合作用是植物利用阳光把二氧化碳和水转化为糖和氧气的过程。").language() == "zh");
  CHECK(language_of("La fotosíntesis transforma la luz del sol en azúcar dentro de las hojas.").language() == "es");
  CHECK(language_of("").language().empty());
  CHECK(language_of("\xff\xfe").language().empty());
  CHECK(prose_of("a `b` $c$ \\(d\\) https://e.org/f <br> 5 $ g") == "a           5 $ g");
  CHECK(prose_of("a\n```\nfor x in y:\n```\nb") == "a\n \nb");
  CHECK(prose_of("a ``` b") == "a  ");
  const Label label =
      LanguageAudit().judge(answer("Die Pflanze macht aus Licht und Wasser Zucker, und zwar in ihren Blättern.",
                                   "Explain in a sentence how photosynthesis works, please."));
  CHECK(label.value == "other_language");
  CHECK(label.reason.find("asked in en, answered in de") == 0);
}

TEST_CASE("secrets are found and never shown", "[audit][personal_data]") {
  const std::string text =
      "Mail martha.k@brightwater-clinic.org, card 4539 5787 6362 1486, key sk-proj-x8Kq2LmZt7VbN4RwYc3HsJ9d.";
  CHECK(without_personal_data(text) == "Mail [email], card [credit_card], key [api_key].");
  const Label label = PersonalDataAudit().judge(answer(text));
  CHECK(label.value == "api_key, credit_card, email");
  CHECK(label.reason == "holds 1 api_key, 1 credit_card, 1 email");
  CHECK(!PersonalDataAudit()
             .judge(answer("Mail martha.k@brightwater-clinic.org", "I am martha.k@brightwater-clinic.org"))
             .found());
  CHECK(without_personal_data("Hauptstraße 12, 10115 Berlin") == "[postal_address]");
  CHECK(without_personal_data("I live at 221 Baker Street, Springfield 62704.") == "I live at [postal_address].");
  CHECK(without_personal_data(
            "token eyJhbGciOiJIUzI1NiJ9abc12.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P") ==
        "token [api_key]");
}

TEST_CASE("examples, dates, prices and identifiers are no secrets", "[audit][personal_data]") {
  for (const char* text :
       {"4111 1111 1111 1111", "user@example.com", "git@github.com", "2024-08-06 12:30", "01.02.2024", "1 000 000 000",
        "3.14159265358979", "v1.2.3.4", "sha256 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "10.0.0.1:8080", "sk-your-key-goes-right-here-please", "api_key = os.environ[\"OPENAI_API_KEY\"]",
        "(555) 555-0123", "1.5e10", "password: correcthorsebatterystaplewords", "GB00 0000 0000 0000 0000 00",
        "978-3-16-148410-0"}) {
    CAPTURE(text);
    CHECK(without_personal_data(text) == text);
  }
}

TEST_CASE("score intervals are those of the papers", "[audit][censorship]") {
  const auto near = [](double a, double b) { return std::abs(a - b) < 0.0001; };
  // Newcombe 1998, Statistics in Medicine 17: 857-872, table I, method 3; and 873-890, table II, method 10.
  const Interval wilson = wilson_interval(81, 263);
  CHECK((near(wilson.low, 0.2553) && near(wilson.high, 0.3662)));
  CHECK((near(wilson_interval(0, 20).high, 0.1611) && wilson_interval(0, 20).low == 0));
  CHECK((near(wilson_interval(29, 29).low, 0.8830) && wilson_interval(29, 29).high == 1));
  const Interval difference = newcombe_interval(56, 70, 48, 80);
  CHECK((near(difference.low, 0.0524) && near(difference.high, 0.3339)));
  const Interval zero = newcombe_interval(10, 10, 0, 10);
  CHECK((near(zero.low, 0.6075) && near(zero.high, 1)));
  CHECK((newcombe_interval(0, 0, 1, 2).low == -1));
}

TEST_CASE("topics that are refused only when asked plainly stand out", "[audit][censorship]") {
  const std::vector<TopicCounts> topics = {{"weather", 50, 1, 50, 0}, {"square", 50, 40, 50, 5}, {"few", 2, 2, 2, 0}};
  const auto contrasts = contrast_topics(topics);
  REQUIRE(contrasts.size() == 3);
  CHECK(contrasts[0].counts.topic == "few");
  CHECK(!contrasts[0].differs);
  CHECK(contrasts[1].counts.topic == "square");
  CHECK(contrasts[1].differs);
  CHECK(contrasts[1].difference == Approx(0.7));
  CHECK(!contrasts[2].differs);
  // The more topics, the wider each interval.
  CHECK(contrast_topics({{topics[1]}})[0].interval.low > contrasts[1].interval.low);
  CHECK(contrast_topics({}).empty());
}

}  // namespace
}  // namespace retort
