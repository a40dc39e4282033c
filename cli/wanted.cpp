#include "cli/wanted.h"

#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "core/harvest/planner.h"
#include "core/teacher/identity.h"

namespace retort {
namespace {

class Counting {
 public:
  Counting(const HarvestPlan& plan, CorpusReader* corpus) : plan_(plan), corpus_(corpus) {}

  Result<void> add(PromptRow row) {
    ++wanted.rows;
    const HarvestSettings& settings = plan_.settings;
    const int samples = row.samples > 0 ? row.samples : settings.samples;
    for (int sample = 0; sample < samples; ++sample) {
      RequestSpec spec;
      spec.prompt.messages = row.messages;
      spec.parameters = sample_parameters(settings.parameters, sample);
      spec.sample = sample;
      spec.digest =
          request_digest({settings.dialect, settings.model, spec.prompt.messages, spec.parameters, spec.sample});
      if (auto done = add_conversation(std::move(spec)); !done) return done;
    }
    return {};
  }

  Wanted wanted;

 private:
  /// As far as the corpus knows it, and from there on as far as the script goes.
  Result<void> add_conversation(RequestSpec spec) {
    while (corpus_ != nullptr) {
      const auto state = corpus_->state_of(spec.digest);
      if (!state) return fail(state.error());
      if (!*state || wants_answer(**state, plan_.settings)) break;
      ++wanted.settled;
      if (!(*state)->answer) return {};
      auto next = next_turn(spec, spec.prompt.messages, spec.parameters, *(*state)->answer, plan_.settings);
      if (!next) return {};
      spec = std::move(*next);
    }
    ask(spec, 0);
    // What will be answered is not known: each turn is reckoned with the longest.
    const auto turns = static_cast<int>(plan_.settings.follow_ups.size());
    for (int unknown = 1; spec.turn < turns; ++unknown) {
      KnownAnswer answer;
      answer.text = "?";
      spec = *next_turn(spec, spec.prompt.messages, spec.parameters, answer, plan_.settings);
      ask(spec, unknown);
    }
    return {};
  }

  void ask(const RequestSpec& spec, int answers_unknown) {
    ++wanted.requests;
    if (spec.turn > 0) ++wanted.follow_ups;
    wanted.prompt_bytes += static_cast<std::int64_t>(spec.prompt.messages.text().size());
    wanted.answers_read_again += answers_unknown;
    const Cost bound = plan_.teacher->bound({spec.prompt.messages, spec.parameters, plan_.settings.max_tokens});
    wanted.answer_most = bound.output;
    const Tokens input = bound.input + answers_unknown * bound.output;
    wanted.most.input += input;
    wanted.most.output += bound.output;
    wanted.most.money += plan_.profile.settings.prices.most(input, bound.output);
  }

  const HarvestPlan& plan_;
  CorpusReader* const corpus_;
};

}  // namespace

Result<Wanted> count_wanted(HarvestPlan& plan, bool skip_bad_rows, CorpusReader* corpus) {
  Counting counting(plan, corpus);
  while (auto event = plan.source->next()) {
    if (const auto* problem = std::get_if<BadRow>(&*event)) {
      if (!skip_bad_rows || problem->rest_lost)
        return fail(Errc::usage, problem->source + ":" + std::to_string(problem->row) + ": " + problem->problem);
      ++counting.wanted.bad_rows;
      continue;
    }
    if (auto done = counting.add(std::move(std::get<PromptRow>(*event))); !done) return fail(done.error());
  }
  return counting.wanted;
}

}  // namespace retort
