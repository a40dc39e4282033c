// Whose output is the prompt of a pair? A prompt that a teacher made, and the prompts that were shown to that teacher,
// come under their makers' terms as the answer comes under its own.
#pragma once

#include <string>
#include <vector>

#include "core/corpus/corpus.h"

namespace retort {

/// SHA-256 of a prompt's text: how a made prompt is known, whatever system message or turns are around it later.
std::string prompt_text_digest(std::string_view text);

/// The text of each message of the user, for messages of text.
std::vector<std::string> user_texts(const Json& messages);

/// The makers of all that the users of this conversation say, and of what that was made from, each answer once. Known
/// by the corpus (`made.response` is an answer in it) or, for prompts made in another corpus, by the row's own word:
/// its metadata {"made": {…}} as `retort prompts` writes it (`made.response` is 0).
Result<std::vector<Maker>> makers_of(CorpusReader& reader, const Json& messages, const Json& metadata);

/// As a row carries it and `retort trace` shows it.
Json terms_json(const Terms& terms);
Terms terms_from_json(const Json& terms);

}  // namespace retort
