// The contract of corpus_contract.h, over SQLite.
#include "tests/contract/corpus_contract.h"

#include "core/base/clock.h"
#include "storage/sqlite_corpora.h"

namespace retort::test {
namespace {

struct SqlitePlace {
  CorpusOpener& opener() { return corpora; }
  std::string path() const { return folder.file("corpus.db"); }
  Folder folder;
  SystemClock clock;
  SqliteCorpora corpora{clock};
};

}  // namespace

TEMPLATE_TEST_CASE("a corpus keeps what was answered", "[contract]", SqlitePlace) {
  SECTION("answers survive reopening") { check_answered_survives_reopen<TestType>(); }
  SECTION("a crash loses nothing that was completed, and is settled once") { check_crash_is_settled<TestType>(); }
  SECTION("a clean stop leaves nothing unsent") { check_clean_stop_leaves_nothing_unsent<TestType>(); }
  SECTION("text survives, NUL and all") { check_text_survives<TestType>(); }
  SECTION("completions come in order") { check_completions_keep_order<TestType>(); }
}

TEMPLATE_TEST_CASE("a corpus knows where each question stands", "[contract]", SqlitePlace) {
  SECTION("equal questions are one") { check_equal_questions_are_one<TestType>(); }
  SECTION("a source row may be mended") { check_source_rows_are_mended<TestType>(); }
  SECTION("attempts are charged") { check_attempts_are_charged<TestType>(); }
  SECTION("what was cut may be asked again") { check_truncated_asked_again<TestType>(); }
  SECTION("a refusal is an answer") { check_refusal_is_an_answer<TestType>(); }
}

TEMPLATE_TEST_CASE("a corpus is read in steps, with its terms", "[contract]", SqlitePlace) {
  SECTION("keyset steps") { check_pairs_come_in_steps<TestType>(); }
  SECTION("terms stay with the answer") { check_terms_stay_with_the_answer<TestType>(); }
  SECTION("one harvest at a time") { check_one_harvest_at_a_time<TestType>(); }
  SECTION("runs and permissions are recorded") { check_records_and_permissions<TestType>(); }
}

}  // namespace retort::test
