// The loops that drive the makers of prompts (core/prompt/make): ask, read, keep what is good, ask again.
#pragma once

#include <string>
#include <vector>

#include "cli/prompt_desk.h"

namespace retort {

/// The flags of all makers; each reads its own.
struct MakingFlags : MakerFlags {
  int per_request = 8;
  double novelty = 0.7;
  int rounds = 4;
  std::vector<std::string> methods;
  bool check_answers = false;
  std::string cut_template, pre_query, system;
  std::string topics, personas, form;
};

// Each returns when there are enough, or nothing more comes. An Error is why asking stopped; what was made stays in the
// desk.
Result<void> self_instruct(PromptDesk& desk, const MakingFlags& flags, std::vector<SeedPrompt> seeds);
Result<void> evolve(PromptDesk& desk, const MakingFlags& flags, std::vector<SeedPrompt> seeds);
/// `text` is what the model writes on from; `marks` are its template's, which no prompt may hold.
Result<void> magpie(PromptDesk& desk, const MakingFlags& flags, const std::string& text,
                    const std::vector<std::string>& marks);
Result<void> topics(PromptDesk& desk, const MakingFlags& flags, const std::vector<Json>& questions);

}  // namespace retort
