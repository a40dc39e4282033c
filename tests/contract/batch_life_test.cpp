// A batch lives for hours and through several processes. Here one dies at every call of a port, before it and after it,
// and another one goes on: in the end every question has its answer, and none was bought twice.
#include <deque>
#include <functional>

#include "core/batch/batch_collector.h"
#include "core/batch/batch_submitter.h"
#include "storage/batch_corpora.h"
#include "storage/sqlite_corpora.h"
#include "tests/contract/corpus_driver.h"
#include "tests/contract/sql_number.h"
#include "tests/support/fake_batches.h"

namespace retort::test {
namespace {

struct Crash {};

/// What dies and what stays: the provider and the disk stay.
struct World final : Clock {
  std::int64_t calls_left = -1;  ///< until the crash; -1: none comes
  std::int64_t calls = 0;
  mutable Instant instant{1'000'000'000};
  mutable WallTime time{1'795'000'000'000};
  Folder folder;
  std::string dialect;
  int prompts = 5;
  FakeBatches provider;

  World(std::string speaks, FakeBatchPlan plan)
      : dialect(std::move(speaks)), provider(std::move(plan), [this] { return time.ms / 1000; }) {}
  Instant now() const override { return instant; }
  WallTime wall() const override { return time; }
  void pass(Duration span) const {
    instant = instant + span;
    time.ms += std::chrono::duration_cast<std::chrono::milliseconds>(span).count();
  }
  /// The power may go here.
  void point() {
    ++calls;
    if (calls_left >= 0 && calls_left-- == 0) throw Crash{};
  }
  std::string path() const { return folder.file("corpus.db"); }
};

class WorldTransport final : public Transport {
 public:
  explicit WorldTransport(World& world) : world_(world) {}
  void submit(ExchangeId id, HttpRequest request) override {
    world_.point();
    const std::string target = request.url.substr(request.url.find('/', 8));
    std::string type;
    for (const auto& [name, value] : request.headers) type = name == "content-type" ? value : type;
    auto reply = world_.provider.handle(request.method, target, type, request.body);
    REQUIRE(reply.has_value());
    world_.point();
    coming_.emplace_back(ResponseHead{id, {reply->status, {{"content-type", reply->type}}}});
    for (std::size_t at = 0; at < reply->body.size(); at += 700)
      coming_.emplace_back(ResponseBytes{id, reply->body.substr(at, 700)});
    coming_.emplace_back(ResponseEnd{id, NetFault::none, {}, true, {}});
  }
  void cancel(ExchangeId) override { coming_.clear(); }
  void pause(ExchangeId, bool) override {}
  std::span<NetEvent> wait(Instant deadline) override {
    event_.clear();
    if (coming_.empty()) {
      REQUIRE_FALSE(deadline.is_never());
      world_.pass(deadline - world_.now());
    } else {
      event_.push_back(std::move(coming_.front()));
      coming_.pop_front();
      if (std::holds_alternative<ResponseBytes>(event_.front())) world_.point();
    }
    return event_;
  }
  void wake() noexcept override {}

 private:
  World& world_;
  std::deque<NetEvent> coming_;
  std::vector<NetEvent> event_;
};

/// Dies before or after each call of the real log.
class MortalLog final : public BatchLog {
 public:
  MortalLog(World& world, std::unique_ptr<BatchLog> log) : world_(world), log_(std::move(log)) {}
  Result<Registered> look_up(Register entry) override {
    return mortal([&] { return log_->look_up(std::move(entry)); });
  }
  Result<RowId> open(const std::string& key) override {
    return mortal([&] { return log_->open(key); });
  }
  Result<std::vector<RowId>> begin(RowId batch, const std::vector<AttemptStart>& attempts) override {
    return mortal([&] { return log_->begin(batch, attempts); });
  }
  Result<void> change(RowId batch, const BatchChange& change) override {
    return mortal([&] { return log_->change(batch, change); });
  }
  Result<void> end(const std::vector<AttemptEnd>& attempts) override {
    return mortal([&] { return log_->end(attempts); });
  }
  Result<std::int64_t> finish(RowId batch, const BatchRest& rest) override {
    return mortal([&] { return log_->finish(batch, rest); });
  }
  Result<void> close(const RunEnd& end) override {
    return mortal([&] { return log_->close(end); });
  }
  // Only reads: a crash there is one before the next call.
  Result<std::vector<BatchRecord>> batches() override { return log_->batches(); }
  Result<std::vector<BatchQuestion>> questions_after(RowId batch, RowId after, std::size_t limit) override {
    return log_->questions_after(batch, after, limit);
  }
  Result<std::optional<BatchQuestion>> question(RowId batch, RowId attempt) override {
    return log_->question(batch, attempt);
  }
  Result<Spent> spent() override { return log_->spent(); }

 private:
  template <class Call>
  auto mortal(const Call& call) -> decltype(call()) {
    world_.point();
    auto result = call();
    world_.point();
    return result;
  }
  World& world_;
  std::unique_ptr<BatchLog> log_;
};

class ListedPrompts final : public PromptFeed {
 public:
  explicit ListedPrompts(int count) : count_(count) {}
  FeedEvent poll() override {
    if (next_ >= count_) return EndOfPrompts{};
    PromptRow row;
    row.source = "prompts.jsonl";
    row.row = ++next_;
    row.messages = Json::array({{{"role", "user"}, {"content", "What is " + std::to_string(next_) + " + 1?"}}});
    return row;
  }
  std::optional<double> fraction_read() const override { return {}; }

 private:
  int count_, next_ = 0;
};

class Silence final : public HarvestObserver {
 public:
  Instant progress(const HarvestStats&, Instant) override { return Instant::never(); }
  void notice(const std::string&) override {}
};

TeacherIdentity asked(const World& world) { return {"t", world.dialect, "http://provider/v1", "arithmetic", ""}; }

/// One process: opens everything anew, works, and ends or dies.
struct Process {
  explicit Process(World& w)
      : world(w),
        corpora(w),
        teacher(std::move(*make_teacher(w.dialect, {base(), "arithmetic", Prices({1, 2})}))),
        api(std::move(*make_batch_api(w.dialect, base(), {}))),
        transport(w),
        wire(
            w, transport, {}, [] { return false; }, 7) {
    settings.harvest.dialect = w.dialect;
    settings.harvest.model = "arithmetic";
    settings.harvest.max_tokens = 64;
    settings.price_factor = 0.5;
    settings.size_max = {2, 100'000};
    settings.key_seed = static_cast<std::uint64_t>(w.calls) + 1;
    auto opened = corpora.batch(w.path(), asked(w), terms(), run_start());
    REQUIRE_OK(opened);
    log = std::make_unique<MortalLog>(w, std::move(*opened));
  }
  // Anthropic's paths begin with /v1 themselves.
  std::string base() const { return world.dialect == "anthropic" ? "http://provider" : "http://provider/v1"; }

  void submit() {
    ListedPrompts feed(world.prompts);
    Silence silence;
    BatchSubmitter submitter(world, wire, *log, feed, *teacher, *api, settings, silence);
    const SubmitReport report = submitter.run(asked(world));
    if (report.stopped) FAIL(report.stopped->message);
    REQUIRE_OK(log->close({}));
  }
  void collect() {
    BatchCollector collector(world, wire, *log, *teacher, *api, settings);
    const auto batches = log->batches();
    REQUIRE_OK(batches);
    for (const BatchRecord& batch : *batches) {
      if (batch.state != BatchState::submitted && batch.state != BatchState::creating) continue;
      REQUIRE_OK(collector.collect(batch));
    }
    REQUIRE_OK(log->close({}));
  }

  World& world;
  SqliteBatchCorpora corpora;
  std::unique_ptr<Teacher> teacher;
  std::unique_ptr<BatchApi> api;
  WorldTransport transport;
  BatchWire wire;
  BatchSettings settings;
  std::unique_ptr<BatchLog> log;
};

std::int64_t number(const World& world, const char* sql) { return sql_number(world.path(), sql); }

/// Processes until everything is answered: as somebody would who calls the same commands again.
int go_on(World& world) {
  for (int round = 1; round < 12; ++round) {
    { Process(world).submit(); }
    { Process(world).collect(); }
    world.pass(1h);
    if (number(world, "SELECT count(*) FROM request WHERE status = 'answered'") == world.prompts &&
        number(world, "SELECT count(*) FROM batch WHERE state <> 'collected'") == 0)
      return round;
  }
  return 0;
}

void check_books(World& world) {
  for (const auto& [prompt, times] : world.provider.bought()) {
    CAPTURE(prompt);
    CHECK(times == 1);
  }
  CHECK(world.provider.bought().size() == static_cast<std::size_t>(world.prompts));
  CHECK(number(world, "SELECT count(*) FROM response") == world.prompts);
  CHECK(number(world, "SELECT count(DISTINCT request_id) FROM response") == world.prompts);
  CHECK(number(world, "SELECT count(*) FROM attempt WHERE outcome IN ('unsent', 'sent')") == 0);
  CHECK(number(world, "SELECT count(*) FROM attempt WHERE outcome = 'delivery_unknown'") == 0);
  CHECK(number(world, "SELECT count(*) FROM request WHERE batch_id IS NOT NULL") == 0);
  CHECK(number(world, "SELECT count(*) FROM raw") == world.prompts);
}

}  // namespace

TEST_CASE("a batch dies at every step of its life, and nothing is lost or bought twice", "[contract][batch]") {
  struct Case {
    const char* dialect;
    int stride;  ///< 1: every step
    FakeBatchPlan plan;
  };
  const auto one =
      GENERATE(Case{"openai-chat", 1, {.looks = 2}}, Case{"openai-chat", 5, {.looks = 1, .metadata = false}},
               Case{"openai-chat", 3, {.looks = 1, .end = "expired", .executed_max = 1}},
               Case{"anthropic", 1, {.looks = 2}}, Case{"anthropic", 3, {.looks = 1, .executed_max = 1}});
  CAPTURE(one.dialect, one.plan.looks, one.plan.end, one.plan.executed_max);
  std::int64_t steps = 0;
  {
    World world(one.dialect, one.plan);
    world.prompts = 3;
    CHECK(go_on(world) > 0);
    check_books(world);
    steps = world.calls;
  }
  CHECK(steps > 30);
  for (std::int64_t step = 0; step < steps; step += one.stride) {
    CAPTURE(step, steps);
    World world(one.dialect, one.plan);
    world.prompts = 3;
    world.calls_left = step;
    bool died = false;
    try {
      go_on(world);
    } catch (const Crash&) {
      died = true;
    }
    REQUIRE(died);
    CHECK(go_on(world) > 0);
    check_books(world);
  }
}

TEST_CASE("a server that does not list its batches leaves a lost one in doubt, and nothing is bought",
          "[contract][batch]") {
  int lost = 0;
  for (std::int64_t step = 0; step < 60; ++step) {
    CAPTURE(step);
    World world("openai-chat", {.lists = false});
    world.prompts = 2;
    world.calls_left = step;
    try {
      Process(world).submit();
      break;
    } catch (const Crash&) {
      world.calls_left = -1;
    }
    if (number(world, "SELECT count(*) FROM batch WHERE state = 'creating'") == 0) continue;
    const int created = world.provider.created();
    lost += created;
    Process(world).submit();
    Process(world).collect();
    CHECK(world.provider.created() == created);
    CHECK(number(world, "SELECT count(*) FROM batch WHERE state = 'creating' AND error LIKE '%does not list%'") == 1);
    CHECK(number(world, "SELECT count(*) FROM request WHERE batch_id IS NOT NULL") == 2);
  }
  CHECK(lost > 0);
}

TEST_CASE("lines that are broken, twice, missing or another's cost nobody else's answer", "[contract][batch]") {
  World world("openai-chat", {.drops_lines = true});
  const auto life = [&] {
    {
      Process process(world);
      process.settings.size_max.requests = 100;
      process.submit();
    }
    Process(world).collect();
  };
  life();
  // Of five: one line is missing, one is half, and both may have been paid for.
  CHECK(number(world, "SELECT count(*) FROM attempt WHERE outcome = 'answered'") == 3);
  CHECK(number(world, "SELECT count(*) FROM attempt WHERE error = 'batch_no_line' AND possibly_billed") == 1);
  CHECK(number(world,
               "SELECT count(*) FROM attempt JOIN raw ON raw.attempt_id = attempt.id "
               "WHERE error = 'not_json' AND possibly_billed") == 1);
  CHECK(number(world, "SELECT count(*) FROM request WHERE status = 'pending' AND attempts_charged = 1") == 2);
  CHECK(number(world, "SELECT count(*) FROM batch WHERE state = 'collected'") == 1);
  world.provider.set({});
  life();
  CHECK(number(world, "SELECT count(*) FROM request WHERE status = 'answered'") == world.prompts);
}

TEST_CASE("errors of single questions: bad ones fail for good, the server's are asked again", "[contract][batch]") {
  const auto* dialect = GENERATE("openai-chat", "anthropic");
  CAPTURE(dialect);
  World world(dialect, {.bad = "What is 2 +", .overloaded = "What is 3 +"});
  { Process(world).submit(); }
  { Process(world).collect(); }
  CHECK(number(world, "SELECT count(*) FROM request WHERE status = 'answered'") == 3);
  CHECK(number(world, "SELECT count(*) FROM request WHERE status = 'failed'") == 1);
  CHECK(number(world, "SELECT count(*) FROM attempt WHERE error = 'http_400' AND http_status = 400") == 1);
  CHECK(number(world, "SELECT count(*) FROM request WHERE status = 'pending' AND attempts_charged = 1") == 1);
  world.provider.set({});
  { Process(world).submit(); }
  { Process(world).collect(); }
  CHECK(number(world, "SELECT count(*) FROM request WHERE status = 'answered'") == 4);
}

TEST_CASE("a batch that the provider rejects frees its requests, and costs nothing", "[contract][batch]") {
  World world("openai-chat", {.end = "failed"});
  { Process(world).submit(); }
  { Process(world).collect(); }
  CHECK(number(world, "SELECT count(*) FROM attempt WHERE error = 'batch_rejected' AND NOT possibly_billed") == 5);
  CHECK(number(world, "SELECT count(*) FROM request WHERE status = 'pending' AND batch_id IS NULL") == 5);
  CHECK(number(world, "SELECT count(*) FROM batch WHERE state = 'collected' AND error LIKE '%invalid_json_line%'") ==
        3);
}

TEST_CASE("what was forgotten while its batch was under way leaves no content behind", "[contract][batch]") {
  World world("openai-chat", {});
  { Process(world).submit(); }
  SqliteCorpora corpora(world);
  REQUIRE_OK(corpora.forget(world.path(), {{}, "What is 4 +", "asked to"}, run_start(), false));
  { Process(world).collect(); }
  CHECK(number(world, "SELECT count(*) FROM response") == 4);
  CHECK(number(world, "SELECT count(*) FROM attempt WHERE error = 'forgotten' AND cost_usd > 0") == 1);
  CHECK(number(world, "SELECT count(*) FROM raw") == 4);
  CHECK(number(world, "SELECT count(*) FROM batch WHERE state = 'collected'") == 3);
}

}  // namespace retort::test
