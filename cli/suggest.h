// A typo deserves the word that was meant.
#pragma once

#include <string>
#include <vector>

namespace retort {

/// "; did you mean 'harvest'?", or nothing if no known word is near.
std::string did_you_mean(const std::string& word, const std::vector<std::string>& known);

}  // namespace retort
