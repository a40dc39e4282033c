// What every corpus promises, whatever it is made of. A fixture gives a place: `opener()`, a CorpusOpener, and
// `path()`, a corpus that does not exist yet.
#pragma once

#include <string>
#include <vector>

#include "tests/contract/corpus_driver.h"

namespace retort::test {

template <class Fixture>
void check_answered_survives_reopen() {
  Fixture corpus;
  LogDriver first(corpus.opener(), corpus.path());
  const RequestState fresh = first.registered(spec("2 + 2"));
  CHECK(fresh.first_seen);
  CHECK(fresh.status == RequestStatus::pending);
  const RowId attempt = first.begun(fresh.request, 256);
  first.log->submit(MarkSent{{attempt}, {1'800'000'000'000}});
  first.ended(answer(attempt, fresh.request, "4"));
  first.close();

  LogDriver second(corpus.opener(), corpus.path());
  CHECK(second.recovery.delivery_unknown == 0);
  const RequestState known = second.registered(spec("2 + 2"));
  CHECK(known.request == fresh.request);
  CHECK_FALSE(known.first_seen);
  CHECK(known.status == RequestStatus::answered);
  CHECK_FALSE(known.truncated);
  second.close();

  const std::vector<Pair> pairs = pairs_of(corpus.opener(), corpus.path());
  REQUIRE(pairs.size() == 1);
  const Pair& pair = pairs[0];
  CHECK(pair.request == fresh.request);
  CHECK(pair.attempt == attempt);
  CHECK(pair.messages == spec("2 + 2").prompt.messages.json());
  CHECK(pair.parameters == spec("2 + 2").parameters);
  CHECK(pair.answer.text == "4");
  CHECK(pair.answer.reasoning == "because");
  CHECK(pair.answer.finish == Finish::stop);
  CHECK(pair.answer.provider_finish == "stop");
  CHECK(pair.answer.usage.input == Tokens{11});
  CHECK(pair.answer.usage.output == Tokens{22});
  CHECK_FALSE(pair.answer.usage.cached_input.has_value());
  CHECK(pair.answer.usage.reasoning == Tokens{5});
  CHECK(pair.answer.served_model == "small-model-2026");
  CHECK(pair.answer.system_fingerprint == "fp");
  CHECK(pair.answer.provider_id == "chatcmpl-1");
  CHECK(pair.teacher.name == "r1");
  CHECK(pair.teacher.vendor == "somebody");
  CHECK(pair.rights.licence == "MIT");
  CHECK(pair.rights.conditions == std::vector<std::string>{"attribution"});
  CHECK(pair.rights.outputs_may_train == true);
  CHECK(pair.cost == Usd::from_dollars(0.000123456789));
  CHECK(pair.latency == 1500ms);
  CHECK(pair.obtained == WallTime{1'800'000'001'623});
}

template <class Fixture>
void check_equal_questions_are_one() {
  Fixture corpus;
  LogDriver driver(corpus.opener(), corpus.path());
  RequestSpec again = spec("2 + 2", 9);
  again.prompt.metadata = {{"family", "sum"}};
  const auto states = driver.registered(std::vector{spec("2 + 2", 1), spec("3 + 3", 2), again, spec("2 + 2", 1, 1)});
  REQUIRE(states.size() == 4);
  CHECK(states[0].request == states[2].request);
  CHECK(states[0].first_seen);
  CHECK_FALSE(states[2].first_seen);
  CHECK(states[0].request != states[1].request);
  CHECK(states[0].request != states[3].request);
  driver.close();
  const CorpusSummary summary = summary_of(corpus.opener(), corpus.path());
  CHECK(summary.prompts == 2);
  CHECK(summary.source_rows == 3);
  REQUIRE(summary.teachers.size() == 1);
  CHECK(summary.teachers[0].requests == 3);
  CHECK(summary.teachers[0].pending == 3);
}

template <class Fixture>
void check_source_rows_are_mended() {
  Fixture corpus;
  LogDriver first(corpus.opener(), corpus.path());
  RequestSpec wrong = spec("2 + 2");
  wrong.prompt.reference = "5";
  first.ask(wrong, "4");
  first.close();

  LogDriver second(corpus.opener(), corpus.path());
  RequestSpec mended = spec("2 + 2");
  mended.prompt.reference = "4";
  mended.prompt.metadata = {{"family", "sum"}};
  CHECK(second.registered(mended).status == RequestStatus::answered);
  RequestSpec elsewhere = spec("2 + 2", 3);
  elsewhere.prompt.source = "other.jsonl";
  CHECK(second.registered(elsewhere).status == RequestStatus::answered);
  second.close();

  const std::vector<Pair> pairs = pairs_of(corpus.opener(), corpus.path());
  REQUIRE(pairs.size() == 1);
  CHECK(pairs[0].reference == "4");         // of the newest row that has one
  CHECK(pairs[0].source == "other.jsonl");  // the newest row
  CHECK(pairs[0].source_row == 3);
  CHECK(pairs[0].metadata.is_null());
  CHECK(summary_of(corpus.opener(), corpus.path()).source_rows == 2);
}

template <class Fixture>
void check_crash_is_settled() {
  Fixture corpus;
  LogDriver first(corpus.opener(), corpus.path());
  const RowId request = first.registered(spec("a")).request;
  const RowId other = first.registered(spec("b")).request;
  first.begun(other);  // unsent: perhaps it was sent and the mark was lost
  const RowId sent = first.begun(request);
  first.log->submit(MarkSent{{sent}, {1'800'000'000'000}});
  first.ask(spec("c"), "stays");  // later in the queue: the mark is durable
  first.crash();

  LogDriver second(corpus.opener(), corpus.path());
  CHECK(second.recovery.delivery_unknown == 2);
  const RequestState state = second.registered(spec("a"));
  CHECK(state.status == RequestStatus::pending);
  CHECK(state.attempts_charged == 0);
  CHECK(second.registered(spec("c")).status == RequestStatus::answered);
  second.close();
  const CorpusSummary summary = summary_of(corpus.opener(), corpus.path());
  CHECK(count_of(summary.attempts, "delivery_unknown") == 2);
  CHECK(count_of(summary.attempts, "answered") == 1);
  CHECK(summary.possibly_billed == 2);
  CHECK(summary.runs == 2);

  LogDriver third(corpus.opener(), corpus.path());
  CHECK(third.recovery.delivery_unknown == 0);  // settled once
  third.close();
}

template <class Fixture>
void check_clean_stop_leaves_nothing_unsent() {
  Fixture corpus;
  LogDriver first(corpus.opener(), corpus.path());
  const RowId request = first.registered(spec("a")).request;
  const RowId released = first.begun(request);
  const RowId forgotten = first.begun(request);
  CHECK(released != forgotten);
  first.log->submit(Release{{released}});
  first.close();
  LogDriver second(corpus.opener(), corpus.path());
  CHECK(second.recovery.delivery_unknown == 0);  // a run with an end is believed
  CHECK(second.begun(request) > forgotten);      // an id is never used twice
  second.close();
}

template <class Fixture>
void check_attempts_are_charged() {
  Fixture corpus;
  LogDriver driver(corpus.opener(), corpus.path());
  const RowId request = driver.registered(spec("a")).request;
  const auto end_with = [&](AttemptOutcome outcome, const std::string& error) {
    driver.ended(no_answer(driver.begun(request), request, outcome, error));
  };
  end_with(AttemptOutcome::refused, "http_429");
  end_with(AttemptOutcome::cancelled, "cancelled");
  CHECK(driver.registered(spec("a")).attempts_charged == 0);
  end_with(AttemptOutcome::failed, "http_500");
  end_with(AttemptOutcome::network, "reset");
  end_with(AttemptOutcome::timed_out, "timeout");
  const RequestState state = driver.registered(spec("a"));
  CHECK(state.attempts_charged == 3);
  CHECK(state.timeouts == 1);
  CHECK(state.status == RequestStatus::pending);

  AttemptEnd last = no_answer(driver.begun(request), request, AttemptOutcome::failed, "http_400");
  last.request_status = RequestStatus::failed;
  driver.ended(last);
  CHECK(driver.registered(spec("a")).status == RequestStatus::failed);
  driver.close();
  const CorpusSummary summary = summary_of(corpus.opener(), corpus.path());
  CHECK(summary.errors == std::vector<std::pair<std::string, std::int64_t>>{{"http_400", 1}});
  CHECK(summary.possibly_billed == 2);
  CHECK(pairs_of(corpus.opener(), corpus.path()).empty());
}

template <class Fixture>
void check_text_survives() {
  Fixture corpus;
  const std::string nul_and_more = std::string("a\0b", 3) + "\n\"'; DROP TABLE response; -- ÄÖ 漢字 🜁\u2028" + '\0';
  LogDriver driver(corpus.opener(), corpus.path());
  RequestSpec odd = spec("what " + nul_and_more);
  odd.prompt.reference = nul_and_more;
  odd.prompt.metadata = {{"key", nul_and_more}};
  driver.ask(odd, nul_and_more);
  driver.close();
  const std::vector<Pair> pairs = pairs_of(corpus.opener(), corpus.path());
  REQUIRE(pairs.size() == 1);
  CHECK(pairs[0].answer.text == nul_and_more);
  CHECK(pairs[0].messages == odd.prompt.messages.json());
  CHECK(pairs[0].reference == nul_and_more);
  CHECK(pairs[0].metadata == odd.prompt.metadata);
}

template <class Fixture>
void check_truncated_asked_again() {
  Fixture corpus;
  LogDriver driver(corpus.opener(), corpus.path());
  const RowId request = driver.ask(spec("long"), "cut h", Finish::length);
  const RequestState cut = driver.registered(spec("long"));
  CHECK(cut.status == RequestStatus::answered);
  CHECK(cut.truncated);
  CHECK(pairs_of(corpus.opener(), corpus.path()).empty());
  CHECK(summary_of(corpus.opener(), corpus.path()).teachers[0].truncated == 1);

  driver.ended(answer(driver.begun(request, 4096), request, "whole"));
  CHECK_FALSE(driver.registered(spec("long")).truncated);
  const std::vector<Pair> pairs = pairs_of(corpus.opener(), corpus.path());
  REQUIRE(pairs.size() == 1);
  CHECK(pairs[0].answer.text == "whole");
  const CorpusSummary summary = summary_of(corpus.opener(), corpus.path());
  CHECK(summary.responses == 2);
  CHECK(summary.teachers[0].truncated == 0);
  CHECK(summary.teachers[0].answered == 1);
  CHECK(summary.teachers[0].input == 22);  // both were paid for
  CHECK(summary.cost == Usd{2 * Usd::from_dollars(0.000123456789).pico});
  driver.close();
}

template <class Fixture>
void check_refusal_is_an_answer() {
  Fixture corpus;
  LogDriver driver(corpus.opener(), corpus.path());
  driver.ask(spec("no"), "I cannot", Finish::refusal);
  CHECK(driver.registered(spec("no")).status == RequestStatus::answered);
  CHECK(pairs_of(corpus.opener(), corpus.path()).size() == 1);
  CHECK(summary_of(corpus.opener(), corpus.path()).teachers[0].refused_answers == 1);
  driver.close();
}

template <class Fixture>
void check_pairs_come_in_steps() {
  Fixture corpus;
  LogDriver driver(corpus.opener(), corpus.path());
  for (int i = 0; i < 10; ++i)
    driver.ask(spec("q" + std::to_string(i), i + 1), std::to_string(i), i == 4 ? Finish::length : Finish::stop);
  auto reader = corpus.opener().read(corpus.path());
  REQUIRE_OK(reader);
  std::vector<std::string> texts;
  RowId after = 0;
  while (true) {
    const auto step = (*reader)->pairs_after(after, 4);
    REQUIRE_OK(step);
    if (step->empty()) break;
    CHECK(step->size() <= 4);
    for (const Pair& pair : *step) {
      CHECK(pair.response > after);
      after = pair.response;
      texts.push_back(pair.answer.text);
      const auto alone = (*reader)->pair(pair.response);
      REQUIRE_OK(alone);
      CHECK(alone->answer.text == pair.answer.text);
    }
  }
  CHECK(texts == std::vector<std::string>{"0", "1", "2", "3", "5", "6", "7", "8", "9"});
  CHECK(*(*reader)->newest_response() == after);
  CHECK((*(*reader)->state_of(spec("q4").digest))->status == RequestStatus::answered);
  CHECK_FALSE((*reader)->state_of(spec("never asked").digest)->has_value());
  const auto none = (*reader)->pair(after + 1);
  REQUIRE_FALSE(none);
  CHECK(none.error().code == Errc::usage);
  driver.close();
}

template <class Fixture>
void check_terms_stay_with_the_answer() {
  Fixture corpus;
  LogDriver first(corpus.opener(), corpus.path());
  first.ask(spec("a"), "1");
  first.close();
  Terms stricter = terms();
  stricter.outputs_may_train = std::nullopt;
  LogDriver second(corpus.opener(), corpus.path(), teacher(), stricter);
  second.ask(spec("b"), "2");
  second.close();
  const std::vector<Pair> pairs = pairs_of(corpus.opener(), corpus.path());
  REQUIRE(pairs.size() == 2);
  CHECK(pairs[0].rights.outputs_may_train == true);
  CHECK_FALSE(pairs[1].rights.outputs_may_train.has_value());
  CHECK(pairs[0].terms != pairs[1].terms);
  const CorpusSummary summary = summary_of(corpus.opener(), corpus.path());
  REQUIRE(summary.teachers.size() == 1);
  CHECK_FALSE(summary.teachers[0].rights.outputs_may_train.has_value());
}

template <class Fixture>
void check_one_harvest_at_a_time() {
  Fixture corpus;
  LogDriver first(corpus.opener(), corpus.path());
  const auto second = corpus.opener().harvest(corpus.path(), teacher(), terms(), run_start(), [] {});
  REQUIRE_FALSE(second);
  CHECK(second.error().code == Errc::corpus);
  CHECK(second.error().message.find("another harvest") != std::string::npos);
  first.close();
  LogDriver third(corpus.opener(), corpus.path());
  third.close();
}

template <class Fixture>
void check_records_and_permissions() {
  Fixture corpus;
  RunStart train = run_start();
  train.command = "train";
  const auto missing = corpus.opener().record(corpus.path(), train, {}, {});
  REQUIRE_FALSE(missing);
  CHECK(missing.error().code == Errc::usage);
  LogDriver driver(corpus.opener(), corpus.path());
  REQUIRE_OK(corpus.opener().record(corpus.path(), train, {0, {}, Json::object()},
                                    {{"permission", "Ada, 2026-11-22, ticket 7"}, {"explanation", "same vendor"}}));
  driver.close();
  auto reader = corpus.opener().read(corpus.path());
  REQUIRE_OK(reader);
  const auto permissions = (*reader)->permissions();
  REQUIRE_OK(permissions);
  REQUIRE(permissions->size() == 2);
  CHECK((*permissions)[0].kind == "permission");
  CHECK((*permissions)[0].statement == "Ada, 2026-11-22, ticket 7");
  CHECK((*permissions)[1].kind == "explanation");
  CHECK(summary_of(corpus.opener(), corpus.path()).runs == 2);
}

template <class Fixture>
void check_completions_keep_order() {
  Fixture corpus;
  LogDriver driver(corpus.opener(), corpus.path());
  for (int i = 0; i < 300; ++i) driver.log->submit(Register{{spec("q" + std::to_string(i), i + 1)}});
  std::vector<RowId> requests;
  for (int i = 0; i < 300; ++i) requests.push_back(driver.expect<Registered>().states.at(0).request);
  for (const RowId request : requests) driver.log->submit(Begin{{{request, {}}}});
  std::vector<RowId> attempts;
  for (int i = 0; i < 300; ++i) attempts.push_back(driver.expect<Begun>().attempts.at(0));
  for (std::size_t i = 0; i < 300; ++i) driver.log->submit(End{{answer(attempts[i], requests[i], std::to_string(i))}});
  for (const RowId attempt : attempts) CHECK(driver.expect<Ended>().attempts == std::vector{attempt});
  driver.close();
  CHECK(pairs_of(corpus.opener(), corpus.path()).size() == 300);
}

}  // namespace retort::test
