// The recipes that come with retort, and those that people write.
#pragma once

#include <string>
#include <vector>

#include "core/curate/pipeline/recipe.h"

namespace retort {

struct ShippedRecipe {
  std::string name;
  std::string toml;
};
const std::vector<ShippedRecipe>& shipped_recipes();

/// By the name of a shipped one, or a file. Errc::usage says what is wrong, and where.
Result<Recipe> load_recipe(const std::string& name_or_path);

}  // namespace retort
