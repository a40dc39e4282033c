#include "cli/eval_teacher.h"

#include "cli/commands.h"
#include "cli/exit_codes.h"

namespace retort {
namespace {

constexpr std::size_t kPairsPerStep = 256;

Errc errc_of(int exit_code) {
  for (const Errc code : {Errc::usage, Errc::refused, Errc::quota, Errc::terms, Errc::corpus, Errc::disk}) {
    if (exit_code_of(code) == exit_code) return code;
  }
  return exit_code >= 128 ? Errc::interrupted : Errc::internal;
}

}  // namespace

Result<TeacherAnswers> ask_teacher(Edges& edges, const std::string& teacher, const std::string& corpus,
                                   const std::vector<std::string>& files, int samples,
                                   const std::vector<std::string>& further) {
  std::vector<std::string> words{"harvest", "-t", teacher, "-c", corpus, "-n", std::to_string(samples)};
  words.insert(words.end(), further.begin(), further.end());
  words.push_back("--");
  words.insert(words.end(), files.begin(), files.end());
  const int exit_code = run_command_line(words, edges);
  // Rows that failed count as wrong: that is what somebody who asks this teacher gets.
  if (exit_code != kExitComplete && exit_code != kExitSomeFailed)
    return fail(errc_of(exit_code), "the teacher was not asked to the end; what it answered is kept in " + corpus);
  auto reader = edges.corpora.read(corpus);
  if (!reader) return fail(reader.error());
  TeacherAnswers answers;
  for (RowId after = 0;;) {
    auto pairs = (*reader)->pairs_after(after, kPairsPerStep);
    if (!pairs) return fail(pairs.error());
    if (pairs->empty()) return answers;
    for (Pair& pair : *pairs) {
      after = pair.response;
      if (pair.teacher.name != teacher || pair.continues) continue;
      answers[Messages(pair.messages).digest()][pair.sample] = {std::move(pair.answer.text),
                                                                std::move(pair.answer.reasoning)};
    }
  }
}

}  // namespace retort
