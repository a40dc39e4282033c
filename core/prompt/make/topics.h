// Prompts by topic and persona: every topic with every persona, filled into a template that asks a teacher for some
// prompts. Personas as a source of variety are from Persona Hub (Ge et al. 2024, arXiv:2406.20094).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/json.h"
#include "core/base/result.h"

namespace retort {

/// The template used where none is given: {{topic}}, {{persona}} and {{n}}.
extern const std::string_view kTopicTemplate;
/// The same without {{persona}}, where there are none.
extern const std::string_view kBareTopicTemplate;

/// One text a line; empty lines and lines that begin with '#' are passed over.
std::vector<std::string> read_lines(std::string_view text);

/// Errc::usage if the template names something else, or not {{topic}}.
Result<Json> topic_messages(const std::string& form, const std::string& topic, const std::string& persona, int wanted);

}  // namespace retort
