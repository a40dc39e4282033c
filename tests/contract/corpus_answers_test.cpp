// What an attempt may leave beside one whole answer, as SQLite keeps it.
#include "core/base/clock.h"
#include "storage/sqlite_corpora.h"
#include "tests/contract/corpus_driver.h"

namespace retort::test {
namespace {

struct Place {
  Folder folder;
  SystemClock clock;
  SqliteCorpora corpora{clock};
  std::string path() const { return folder.file("corpus.db"); }
  std::unique_ptr<CorpusReader> reader() {
    auto opened = corpora.read(path());
    REQUIRE_OK(opened);
    return std::move(*opened);
  }
};

}  // namespace

TEST_CASE("one attempt serves several requests: its cost is divided, its tokens are its own", "[contract]") {
  Place place;
  LogDriver driver(place.corpora, place.path());
  const auto states = driver.registered(std::vector{spec("q", 1, 0), spec("q", 1, 1), spec("q", 1, 2)});
  driver.log->submit(Begin{{{states[0].request, {}, {}, {states[1].request, states[2].request}}}});
  const RowId attempt = driver.expect<Begun>().attempts.at(0);
  AttemptEnd end = answer(attempt, states[0].request, "first");
  end.cost = Usd::from_dollars(0.5);
  end.response->usage = {};
  end.usage.input = 10;
  end.usage.output = 90;
  Response second = *end.response;
  second.text = "second";
  end.also = {{states[1].request, RequestStatus::answered, second}, {states[2].request}};
  driver.log->submit(End{{end}});
  const Ended ended = driver.expect<Ended>();
  REQUIRE(ended.answers.size() == 2);
  CHECK(ended.answers[0].first == states[0].request);
  CHECK(ended.answers[1].first == states[1].request);
  CHECK(driver.registered(spec("q", 1, 1)).status == RequestStatus::answered);
  CHECK(driver.registered(spec("q", 1, 2)).status == RequestStatus::pending);
  driver.close();

  const std::vector<Pair> pairs = pairs_of(place.corpora, place.path());
  REQUIRE(pairs.size() == 2);
  CHECK(pairs[0].answer.text == "first");
  CHECK(pairs[1].answer.text == "second");
  CHECK(pairs[1].response == ended.answers[1].second);
  CHECK(pairs[0].cost == Usd::from_dollars(0.25));
  const CorpusSummary summary = summary_of(place.corpora, place.path());
  CHECK(summary.cost == Usd::from_dollars(0.5));
  CHECK(summary.teachers.at(0).output == 90);
  CHECK(place.reader()->spent()->tokens == 100);
}

TEST_CASE("partial and invalid answers are kept and are no answers", "[contract]") {
  Place place;
  LogDriver driver(place.corpora, place.path());
  const RowId request = driver.registered(spec("q")).request;
  AttemptEnd cut = no_answer(driver.begun(request), request, AttemptOutcome::network, "broken");
  cut.response = Response{};
  cut.response->text = "half of an ans";
  cut.response->partial = true;
  cut.first_token = 40ms;
  driver.ended(cut);
  AttemptEnd wrong = answer(driver.begun(request), request, "not JSON");
  wrong.request_status = RequestStatus::pending;
  wrong.response->invalid = "not JSON: at 0";
  driver.ended(wrong);
  const RequestState state = driver.registered(spec("q"));
  CHECK(state.status == RequestStatus::pending);
  CHECK(state.attempts_charged == 1);
  CHECK(state.invalid_answers == 1);
  CHECK(pairs_of(place.corpora, place.path()).empty());
  CHECK(place.reader()->pair(1)->answer.partial);
  CHECK(place.reader()->pair(1)->first_token == 40ms);
  CHECK(place.reader()->pair(2)->answer.invalid == "not JSON: at 0");
  CHECK(place.reader()->spent()->tokens == 33);  // of the invalid one; the cut one said nothing

  driver.ended(answer(driver.begun(request), request, "whole"));
  driver.close();
  REQUIRE(pairs_of(place.corpora, place.path()).size() == 1);
  std::vector<Finding> findings;
  const IdentityDigests digests{[](const std::string& dialect, const std::string& model, const Messages& messages,
                                   const Json& parameters, int sample) {
    return request_digest({dialect, model, messages, parameters, sample});
  }};
  REQUIRE_OK(place.corpora.check(place.path(), digests, [&](const Finding& one) { findings.push_back(one); }));
  CHECK(findings.empty());
}

TEST_CASE("log probabilities are kept beside the answer, and go with it", "[contract]") {
  Place place;
  LogDriver driver(place.corpora, place.path());
  const RowId request = driver.registered(spec("q")).request;
  AttemptEnd end = answer(driver.begun(request), request, "ab");
  end.response->logprobs = {{"a", -0.5F, {{"a", -0.5F}, {"c", -1.5F}}}, {"b", -0.25F, {}}};
  end.response->usage.cache_creation = 7;
  driver.ended(end);
  driver.close();
  const Pair pair = pairs_of(place.corpora, place.path()).at(0);
  CHECK(pair.logprob_tokens == 2);
  CHECK(pair.answer.usage.cache_creation == Tokens{7});
  const auto tokens = place.reader()->logprobs(pair.response);
  REQUIRE_OK(tokens);
  REQUIRE(tokens->size() == 2);
  CHECK(tokens->at(0).top.at(1).bytes == "c");
  CHECK(tokens->at(0).top.at(1).logprob == -1.5F);
  CHECK(place.reader()->logprobs(99)->empty());
  REQUIRE_OK(place.corpora.forget(place.path(), {{pair.response}, "", "asked to"}, run_start(), false));
  CHECK(place.reader()->logprobs(pair.response)->empty());
}

TEST_CASE("a follow-up names the response it continues, and is forgotten with it", "[contract]") {
  Place place;
  LogDriver driver(place.corpora, place.path());
  driver.ask(spec("q"), "a");
  driver.log->submit(Register{{spec("q")}, true});
  const Registered known = driver.expect<Registered>();
  REQUIRE(known.states.at(0).answer.has_value());
  CHECK(known.states[0].answer->text == "a");
  RequestSpec next = spec("q, a, and then?", 1);
  next.continues = known.states[0].answer->response;
  driver.ask(next, "b");
  driver.close();
  const std::vector<Pair> pairs = pairs_of(place.corpora, place.path());
  REQUIRE(pairs.size() == 2);
  CHECK(pairs[1].continues == pairs[0].response);
  const auto forgotten = place.corpora.forget(place.path(), {{pairs[0].response}, "", "asked to"}, run_start(), true);
  REQUIRE_OK(forgotten);
  CHECK(forgotten->size() == 2);
}

}  // namespace retort::test
