#include "cli/making.h"

#include <algorithm>
#include <functional>
#include <unordered_set>

#include "core/base/random.h"
#include "core/base/text.h"
#include "core/curate/origins.h"
#include "core/prompt/make/evolve.h"
#include "core/prompt/make/item_list.h"
#include "core/prompt/make/magpie.h"
#include "core/prompt/make/novelty.h"
#include "core/prompt/make/self_instruct.h"

namespace retort {
namespace {

constexpr int kRequestsAtOnceMax = 32;
constexpr int kIdleRounds = 3;

Random random_for(const MakingFlags& flags, std::int64_t round, std::size_t index) {
  Random mixed(flags.seed * 1'000'003 + static_cast<std::uint64_t>(round));
  return Random(mixed.next() + index);
}

/// The same again, but for case and spaces.
class Seen {
 public:
  bool add(const std::string& text) { return seen_.insert(lower_ascii(on_one_line(text))).second; }

 private:
  std::unordered_set<std::string> seen_;
};

// ---- Self-Instruct

/// A task of the pool with what its row says of its makers.
struct Pool {
  std::vector<SeedPrompt> tasks;
  std::size_t seeds = 0;
  NoveltyFilter filter;
};

void take_tasks(PromptDesk& desk, Pool& pool, const KnownAnswer& answer, const std::vector<std::size_t>& shown) {
  const std::vector<std::string> items = read_items(answer.text);
  if (items.empty()) desk.drop("answer without a list");
  std::vector<std::string> parents;
  std::vector<Json> stated;
  for (const std::size_t at : shown) {
    parents.push_back(prompt_text_digest(pool.tasks[at].text));
    stated.push_back(pool.tasks[at].made);
  }
  for (const std::string& item : items) {
    if (const std::string why = why_no_task(item); !why.empty()) {
      desk.drop(why);
    } else if (!pool.filter.is_new(item)) {
      desk.drop("too much like another");
    } else {
      if (!desk.add(item, answer.response, parents, stated)) return;
      pool.filter.add(item);
      pool.tasks.push_back({item, nullptr});
    }
  }
}

}  // namespace

// Rounds of 1, 2, 4, … requests, whatever --count is: the same command with a larger one begins with the same answers.
Result<void> self_instruct(PromptDesk& desk, const MakingFlags& flags, std::vector<SeedPrompt> seeds) {
  const std::size_t count = seeds.size();
  Pool pool{std::move(seeds), count, NoveltyFilter(flags.novelty)};
  for (const SeedPrompt& seed : pool.tasks) pool.filter.add(seed.text);
  int requests = 1, idle = 0;
  for (std::int64_t round = 0; !desk.enough(); ++round) {
    std::vector<PromptDesk::Question> questions;
    std::vector<std::vector<std::size_t>> shown;
    for (int i = 0; i < requests; ++i) {
      Random random = random_for(flags, round, static_cast<std::size_t>(i));
      shown.push_back(choose_examples(pool.seeds, pool.tasks.size() - pool.seeds, random));
      std::vector<std::string> examples, digests;
      for (const std::size_t at : shown.back()) {
        examples.push_back(pool.tasks[at].text);
        digests.push_back(prompt_text_digest(pool.tasks[at].text));
      }
      questions.push_back({self_instruct_messages(examples, flags.per_request), std::move(digests), 0});
    }
    const auto answers = desk.ask(questions);
    if (!answers) return fail(answers.error());
    const std::int64_t before = desk.made();
    for (std::size_t i = 0; i < answers->size(); ++i) {
      if ((*answers)[i]) take_tasks(desk, pool, *(*answers)[i], shown[i]);
    }
    idle = desk.made() == before ? idle + 1 : 0;
    if (idle == kIdleRounds) {
      say("the teacher brings nothing new any more: stopping before --count is reached");
      return {};
    }
    requests = std::min(2 * requests, kRequestsAtOnceMax);
  }
  return {};
}

namespace {

// ---- Evol-Instruct

struct Evolving {
  SeedPrompt now;
  std::string evolved;  ///< of this round; empty: none
  KnownAnswer answer;   ///< in which it stands
};

/// Asks about every prompt that is still evolved, and drops it where `why_not` finds a reason in the answer.
Result<void> weed(PromptDesk& desk, std::vector<Evolving>& all, const std::function<Json(const Evolving&)>& question,
                  const std::function<std::string(const KnownAnswer&)>& why_not) {
  std::vector<PromptDesk::Question> questions;
  std::vector<Evolving*> of;
  for (Evolving& one : all) {
    if (one.evolved.empty()) continue;
    questions.push_back({question(one), {prompt_text_digest(one.now.text), prompt_text_digest(one.evolved)}, 0});
    of.push_back(&one);
  }
  const auto answers = desk.ask(questions);
  if (!answers) return fail(answers.error());
  for (std::size_t i = 0; i < of.size(); ++i) {
    const auto& answer = (*answers)[i];
    const std::string why = answer ? why_not(*answer) : "could not be checked";
    if (why.empty()) continue;
    desk.drop(why);
    of[i]->evolved.clear();
  }
  return {};
}

Result<void> evolve_once(PromptDesk& desk, const MakingFlags& flags, const std::vector<Evolution>& methods, int round,
                         std::vector<Evolving>& all) {
  std::vector<PromptDesk::Question> questions;
  for (std::size_t i = 0; i < all.size(); ++i) {
    Random random = random_for(flags, round, i);
    const auto draw = random.between(0, static_cast<std::int64_t>(methods.size()) - 1);
    const Evolution method = methods[static_cast<std::size_t>(draw)];
    questions.push_back({evolve_messages(method, all[i].now.text), {prompt_text_digest(all[i].now.text)}, 0});
  }
  const auto answers = desk.ask(questions);
  if (!answers) return fail(answers.error());
  for (std::size_t i = 0; i < all.size(); ++i) {
    all[i].evolved.clear();
    const auto& answer = (*answers)[i];
    if (!answer) continue;
    std::string text = read_evolved(answer->text);
    const std::string why =
        answer->finish == Finish::length ? "cut at the token limit" : why_not_evolved(all[i].now.text, text);
    if (!why.empty()) {
      desk.drop(why);
      continue;
    }
    all[i].evolved = std::move(text);
    all[i].answer = *answer;
  }
  return {};
}

}  // namespace

Result<void> evolve(PromptDesk& desk, const MakingFlags& flags, std::vector<SeedPrompt> seeds) {
  std::vector<Evolution> methods;
  for (const std::string& word : flags.methods) methods.push_back(*evolution_of(word));
  if (methods.empty()) methods.assign(all_evolutions().begin(), all_evolutions().end());
  std::vector<Evolving> all;
  Seen seen;
  for (SeedPrompt& seed : seeds) {
    seen.add(seed.text);
    all.push_back({std::move(seed), {}, {}});
  }
  for (int round = 0; round < flags.rounds && !desk.enough(); ++round) {
    if (auto done = evolve_once(desk, flags, methods, round, all); !done) return done;
    auto weeded = weed(
        desk, all, [](const Evolving& one) { return equality_messages(one.now.text, one.evolved); },
        [](const KnownAnswer& answer) -> std::string {
          const auto equal = read_equality(answer.text);
          return !equal ? "no verdict on whether it is new" : *equal ? "asks for nothing more" : "";
        });
    if (!weeded) return weeded;
    if (flags.check_answers) {
      weeded = weed(
          desk, all,
          [](const Evolving& one) {
            return Json::array({{{"role", "user"}, {"content", one.evolved}}});
          },
          [](const KnownAnswer& answer) { return why_unanswerable(answer.text); });
      if (!weeded) return weeded;
    }
    for (Evolving& one : all) {
      if (one.evolved.empty()) continue;
      if (!seen.add(one.evolved)) {
        desk.drop("said before");
        continue;
      }
      if (!desk.add(one.evolved, one.answer.response, {prompt_text_digest(one.now.text)}, {one.now.made})) return {};
      // What its parent's row said of makers goes on with it.
      one.now.text = one.evolved;
    }
  }
  return {};
}

// ---- Magpie

Result<void> magpie(PromptDesk& desk, const MakingFlags& flags, const std::string& text,
                    const std::vector<std::string>& marks) {
  const Json messages = Json::array({{{"role", "user"}, {"content", text}}});
  const std::int64_t samples_max = 4 * flags.count + 16;
  Seen seen;
  for (std::int64_t next = 0; !desk.enough() && next < samples_max;) {
    std::vector<PromptDesk::Question> questions;
    const std::int64_t end = std::min(samples_max, next + flags.count - desk.made());
    for (; next < end; ++next) questions.push_back({messages, {}, static_cast<int>(next)});
    const auto answers = desk.ask(questions);
    if (!answers) return fail(answers.error());
    for (const auto& answer : *answers) {
      if (!answer) continue;
      std::string why = why_no_instruction(answer->text, answer->finish != Finish::length, marks);
      if (why.empty() && !seen.add(answer->text)) why = "said before";
      if (!why.empty()) {
        desk.drop(why);
      } else if (!desk.add(std::string(trimmed(answer->text)), answer->response, {}, {})) {
        return {};
      }
    }
  }
  return {};
}

// ---- Topics and personas

Result<void> topics(PromptDesk& desk, const MakingFlags& flags, const std::vector<Json>& questions) {
  NoveltyFilter filter(flags.novelty);
  int requests = 1;
  for (std::size_t next = 0; next < questions.size() && !desk.enough();) {
    std::vector<PromptDesk::Question> batch;
    for (int i = 0; i < requests && next < questions.size(); ++i) batch.push_back({questions[next++], {}, 0});
    const auto answers = desk.ask(batch);
    if (!answers) return fail(answers.error());
    for (const auto& answer : *answers) {
      if (!answer) continue;
      const std::vector<std::string> items = read_items(answer->text);
      if (items.empty()) desk.drop("answer without a list");
      for (const std::string& item : items) {
        if (!filter.is_new(item)) {
          desk.drop("too much like another");
          continue;
        }
        if (!desk.add(item, answer->response, {}, {})) return {};
        filter.add(item);
      }
    }
    requests = std::min(2 * requests, 8 * kRequestsAtOnceMax);
  }
  return {};
}

}  // namespace retort
