// A teacher as a candidate of `retort eval`: asked through the harvester, so that everything it answers is kept and
// nothing is paid for twice.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "cli/command.h"

namespace retort {

struct TeacherAnswer {
  std::string text, reasoning;
};

/// By Messages::digest(), then by sample.
using TeacherAnswers = std::unordered_map<std::string, std::unordered_map<int, TeacherAnswer>>;

/// Harvests what the corpus lacks, as `retort harvest` with these further words does, then reads what that teacher
/// answered. An answer that was cut or never came is not among them.
Result<TeacherAnswers> ask_teacher(Edges& edges, const std::string& teacher, const std::string& corpus,
                                   const std::vector<std::string>& files, int samples,
                                   const std::vector<std::string>& further);

}  // namespace retort
