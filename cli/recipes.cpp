#include "cli/recipes.h"

#include <filesystem>
#include <fstream>
#include <sstream>

#include "cli/toml_json.h"

namespace retort {
namespace {

constexpr const char* kR1Reasoning = R"toml(name = "r1-reasoning"
about = "several samples a prompt, only what is right, and reasoning that reads well"
source = "DeepSeek-R1 (arXiv:2501.12948), section 2.3.3: rejection sampling and supervised fine-tuning"

[[stage]]
stage = "finished"

[[stage]]
stage = "refusal"

[[stage]]
stage = "language"            # mixed languages in the chain of thought go
only = ["mixed_reasoning"]

[[stage]]
stage = "reasoning_form"      # long paragraphs and code blocks in the chain of thought go
paragraph_bytes = 4000        # the paper gives no number

[[stage]]
stage = "self_identification" # not in the paper

[[stage]]
stage = "verify"
grader = "exact"              # name the grader that fits your references

[[stage]]
stage = "duplicates"

[split]
validation = 0.02
)toml";

constexpr const char* kOpenThoughts = R"toml(name = "open-thoughts"
about = "all samples of a prompt, without verification"
source = "OpenThoughts (arXiv:2506.04178): 16 samples a question; filtering by answers gave no gain"

[[stage]]
stage = "finished"

[[stage]]
stage = "refusal"

[[stage]]
stage = "duplicates"

[[stage]]
stage = "per_prompt"
max = 16

[split]
validation = 0.02
)toml";

constexpr const char* kClean = R"toml(name = "clean"
about = "audits and dedupe only"
source = "what every use needs: nothing cut, declined, misattributed or said twice"

[[stage]]
stage = "finished"

[[stage]]
stage = "refusal"

[[stage]]
stage = "self_identification"

[[stage]]
stage = "repetition"

[[stage]]
stage = "personal_data"

[[stage]]
stage = "duplicates"

[[stage]]
stage = "near_duplicates"
within_prompt = true          # of any prompt, short answers to like questions would go
)toml";

constexpr const char* kPreference = R"toml(name = "preference"
about = "pairs of a right and a wrong answer to one prompt, for DPO"
source = "Rafailov et al. 2023 (arXiv:2305.18290), with verified correctness as the preference, as in Pang et al. 2024 (arXiv:2404.19733)"

[[stage]]
stage = "finished"

[[stage]]
stage = "refusal"

[[stage]]
stage = "self_identification"

[[stage]]
stage = "verify"
grader = "exact"

[[stage]]
stage = "duplicates"

[preference]
per_prompt = 4

[split]
validation = 0.02
)toml";

}  // namespace

const std::vector<ShippedRecipe>& shipped_recipes() {
  static const std::vector<ShippedRecipe> all = {
      {"r1-reasoning", kR1Reasoning}, {"open-thoughts", kOpenThoughts}, {"clean", kClean}, {"preference", kPreference}};
  return all;
}

Result<Recipe> load_recipe(const std::string& name_or_path) {
  std::string text, place = "recipe " + name_or_path;
  for (const ShippedRecipe& recipe : shipped_recipes()) {
    if (recipe.name == name_or_path) text = recipe.toml;
  }
  if (text.empty()) {
    std::error_code unknown;
    if (!std::filesystem::is_regular_file(name_or_path, unknown)) {
      std::string names;
      for (const ShippedRecipe& recipe : shipped_recipes()) names += (names.empty() ? "" : ", ") + recipe.name;
      return fail(Errc::usage, "no recipe '" + name_or_path + "': name a file, or one of " + names);
    }
    std::ifstream file(name_or_path, std::ios::binary);
    std::ostringstream all;
    all << file.rdbuf();
    if (!file || file.bad()) return fail(Errc::usage, "cannot read the recipe " + name_or_path);
    text = all.str();
    place = name_or_path;
  }
  const auto table = parse_toml(text, place);
  if (!table) return fail(table.error());
  auto recipe = recipe_of(*table);
  if (!recipe) return fail(recipe.error().code, place + ": " + recipe.error().message);
  return recipe;
}

}  // namespace retort
