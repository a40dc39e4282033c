#include "cli/eval_teacher.h"

#include "cli/exit_codes.h"
#include "core/teacher/identity.h"

namespace retort {

Result<AskAll> teacher_as_candidate(Edges& edges, HarvestFlags flags) {
  flags.role = "eval";
  // Rows that failed count as wrong: that is what somebody who asks this teacher gets.
  const Result<int> harvested = run_harvest(flags, edges);
  if (!harvested) {
    return fail(harvested.error().code,
                harvested.error().message + "; what " + flags.asking.teacher + " answered is kept in " + flags.corpus);
  }
  auto plan = plan_asking(flags.asking, edges);
  if (!plan) return fail(plan.error());
  auto reader = edges.corpora.read(flags.corpus);
  if (!reader) return fail(reader.error());
  return AskAll([reader = std::shared_ptr<CorpusReader>(std::move(*reader)), dialect = plan->settings.dialect,
                 model = plan->settings.model, parameters = plan->settings.parameters,
                 samples = flags.samples](const std::vector<PromptRow>& rows) -> Result<std::vector<StudentAnswer>> {
    std::vector<StudentAnswer> all;
    for (const PromptRow& row : rows) {
      for (int sample = 0; sample < samples; ++sample) {
        const auto state = reader->state_of(
            request_digest({dialect, model, row.messages, sample_parameters(parameters, sample), sample}));
        if (!state) return fail(state.error());
        const bool whole = *state && (*state)->answer && (*state)->answer->finish != Finish::length;
        all.push_back(whole ? StudentAnswer{(*state)->answer->text, (*state)->answer->reasoning, true, 0}
                            : StudentAnswer{});
      }
    }
    return all;
  });
}

}  // namespace retort
