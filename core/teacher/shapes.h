// Shapes that several dialects share or are translated from: contents, images, tool calls, log probabilities, and
// parameters that only change their names.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

#include "core/base/json.h"
#include "core/corpus/records.h"

namespace retort {

/// `content` as one text: it is a string, or a list of parts of which the text ones are joined.
std::string content_text(const Json& message);

/// The data of "data:image/png;base64,AAAA"; nothing if the URL is no such.
struct ImageData {
  std::string media_type;
  std::string base64;
};
std::optional<ImageData> image_data(const std::string& url);
/// The URL of a part {type: "image_url", image_url: {url}}, or of image_url as plain text.
std::string image_url(const Json& part);

/// OpenAI's list of {token, logprob, bytes, top_logprobs}; the older {tokens, token_logprobs, top_logprobs} too.
std::vector<TokenLogprob> read_logprobs(const Json& logprobs);
TokenLogprob read_token(const Json& token);

/// One call as all dialects give it, in OpenAI's form. `arguments` is text, or a value to be written as text.
Json tool_call(const std::string& id, const std::string& name, const Json& arguments);
/// The arguments of such a call as a value: what is no JSON becomes an empty object.
Json tool_arguments(const Json& call);

/// Moves a common parameter, if it is there, to another place: {"stop", "/options/stop"} is a JSON pointer.
void rename(Json& body, const char* from, const char* to);
/// The sum of counts from outside, which stays at the largest number instead of passing it.
std::int64_t saturated_sum(std::initializer_list<std::int64_t> counts);

/// The member as an object, made or remade one if it is not.
Json& object_in(Json& body, const char* key);
/// A list of one for what is no list.
Json as_list(Json value);
/// What a stream's deltas do: text after text, items after items. What is no text, or no list, adds nothing.
void append_text(Json& object, const char* key, const Json& piece);
void append_items(Json& object, const char* key, const Json& items);
/// Takes a member out of an object; null if it is not there.
Json taken(Json& object, const char* key);
/// The schema in a response_format {type: "json_schema", json_schema: {schema}}; null if it has none.
const Json& schema_of(const Json& response_format);

}  // namespace retort
