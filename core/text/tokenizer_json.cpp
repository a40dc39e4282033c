// tokenizer.json, read as a hostile file: what would change how text is cut must be understood or refused.
#include <algorithm>
#include <unordered_map>

#include "core/base/json.h"
#include "core/base/text.h"
#include "core/text/bpe_tokenizer.h"
#include "core/text/byte_alphabet.h"

namespace retort {
namespace {

constexpr std::int64_t kIdMax = 10'000'000;

Failure refused(const std::string& what) { return fail(Errc::usage, "tokenizer.json: " + what); }

bool is_set(const Json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return false;
  if (found->is_boolean()) return found->get<bool>();
  if (found->is_string()) return !found->get_ref<const std::string&>().empty();
  return true;
}

std::string name_of(const Json& step) {
  const std::string type = step.is_object() ? json_text(step, "type") : "";
  return type.empty() ? "without a type" : shortened(on_one_line(type), 40);
}

// The steps of a Sequence in order, or the step itself; nothing for null.
std::vector<Json> steps_of(const Json& root, const char* key, const char* members) {
  std::vector<Json> steps;
  const auto found = root.find(key);
  if (found == root.end() || found->is_null()) return steps;
  if (!found->is_object() || json_text(*found, "type") != "Sequence") return {*found};
  for (const Json& step : json_child(*found, members)) steps.push_back(step);
  return steps;
}

Result<bool> read_normalizer(const Json& root) {
  bool nfc = false;
  for (const Json& step : steps_of(root, "normalizer", "normalizers")) {
    if (name_of(step) != "NFC") return refused("a normalizer " + name_of(step) + " is not understood");
    nfc = true;
  }
  return nfc;
}

Result<std::vector<std::string>> read_patterns(const Json& root) {
  std::vector<std::string> patterns;
  bool to_bytes = false;
  for (const Json& step : steps_of(root, "pre_tokenizer", "pretokenizers")) {
    const std::string name = name_of(step);
    if (to_bytes) return refused("a pre_tokenizer " + name + " after ByteLevel is not understood");
    if (name == "ByteLevel") {
      to_bytes = true;
      if (is_set(step, "add_prefix_space")) return refused("ByteLevel with add_prefix_space is not understood");
      if (step.value("use_regex", Json(true)) != Json(false)) patterns.emplace_back(kGpt2Pattern);
    } else if (name == "Digits") {
      patterns.emplace_back(is_set(step, "individual_digits") ? kDigitPattern : kDigitRunPattern);
    } else if (name == "Split") {
      const std::string pattern = json_text(json_child(step, "pattern"), "Regex");
      if (json_text(step, "behavior") != "Isolated" || is_set(step, "invert") || pattern.empty())
        return refused("only a Split by Regex with behavior Isolated is understood");
      patterns.push_back(pattern);
    } else {
      return refused("a pre_tokenizer " + name + " is not understood");
    }
  }
  if (!to_bytes) return refused("no ByteLevel among its pre_tokenizers, so this is no byte-level BPE");
  if (patterns.empty()) return refused("a ByteLevel that cuts no words");
  return patterns;
}

Result<void> check_understood(const Json& root) {
  if (!root.is_object()) return refused("not an object");
  const Json& model = json_child(root, "model");
  const std::string type = json_text(model, "type");
  if (!type.empty() && type != "BPE") return refused("the model is " + type.substr(0, 40) + ", and only BPE is read");
  if (!model.is_object()) return refused("there is no model");
  for (const char* key : {"dropout", "continuing_subword_prefix", "end_of_word_suffix", "byte_fallback"}) {
    if (is_set(model, key)) return refused(std::string("model.") + key + " is not understood");
  }
  if (!model.contains("vocab") || !model["vocab"].is_object()) return refused("model.vocab is not an object");
  if (!model.contains("merges") || !model["merges"].is_array()) return refused("model.merges is not an array");
  return {};
}

struct Vocabulary {
  std::unordered_map<std::string, TokenId> ids;  // as spelled in the file
  TokenId id_max = -1;
};

Result<Vocabulary> read_vocabulary(const Json& model) {
  Vocabulary vocabulary;
  vocabulary.ids.reserve(model["vocab"].size());
  for (const auto& [token, value] : model["vocab"].items()) {
    const bool valid = value.is_number_unsigned() && value.get<std::uint64_t>() < kIdMax;
    if (!valid) return refused("an id in model.vocab is no whole number below " + std::to_string(kIdMax));
    const auto id = value.get<TokenId>();
    vocabulary.ids.emplace(token, id);
    vocabulary.id_max = std::max(vocabulary.id_max, id);
  }
  // Ids a file leaves out are legal, but a handful of tokens must not make room for millions.
  if (static_cast<std::size_t>(vocabulary.id_max) + 1 > 2 * vocabulary.ids.size() + 1024) {
    return refused("the ids in model.vocab have wide gaps");
  }
  return vocabulary;
}

Result<std::vector<AddedToken>> read_added(const Json& root, const Vocabulary& vocabulary) {
  std::vector<AddedToken> added;
  for (const Json& token : json_child(root, "added_tokens")) {
    const auto id = token.is_object() ? json_count(token, "id") : std::nullopt;
    if (!id || *id >= kIdMax) return refused("an added token without a valid id");
    AddedToken read{static_cast<TokenId>(*id),    json_text(token, "content"), is_set(token, "special"),
                    is_set(token, "single_word"), is_set(token, "lstrip"),     is_set(token, "rstrip"),
                    is_set(token, "normalized")};
    const auto known = vocabulary.ids.find(read.content);
    read.in_vocab = known != vocabulary.ids.end();
    if (read.in_vocab && known->second != read.id)
      return refused("the added token " + std::to_string(read.id) + " has another id in model.vocab");
    added.push_back(std::move(read));
  }
  return added;
}

// Fills the bytes of every token that words can become.
Result<void> read_tokens(const Vocabulary& vocabulary, BpeModel& model) {
  TokenId id_max = vocabulary.id_max;
  for (const AddedToken& token : model.added) {
    if (token.id > id_max + 65536) return refused("an added token far beyond the vocabulary");
    id_max = std::max(id_max, token.id);
  }
  model.tokens.resize(static_cast<std::size_t>(id_max) + 1);
  std::vector<signed char> kind(model.tokens.size());  // 1 added, 2 special
  for (const AddedToken& token : model.added) kind[static_cast<std::size_t>(token.id)] = token.special ? 2 : 1;
  for (const auto& [spelled, id] : vocabulary.ids) {
    const auto at = static_cast<std::size_t>(id);
    if (spelled.empty()) return refused("an empty token");
    const auto bytes = kind[at] == 2 ? std::nullopt : from_byte_alphabet(spelled);
    if (!bytes && kind[at] != 0) continue;
    if (!model.tokens[at].empty()) return refused("two tokens with one id");
    model.tokens[at] = bytes ? *bytes : spelled;
    if (!bytes) model.verbatim.push_back(id);
  }
  std::sort(model.verbatim.begin(), model.verbatim.end());
  return {};
}

Result<std::pair<TokenId, TokenId>> read_merge(const Json& merge, const Vocabulary& vocabulary) {
  std::string left, right;
  if (merge.is_string()) {
    const std::string& text = merge.get_ref<const std::string&>();
    const std::size_t space = text.find(' ');
    if (space == std::string::npos) return refused("a merge is not two tokens");
    left = text.substr(0, space);
    right = text.substr(space + 1);
  } else if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string()) {
    left = merge[0].get<std::string>();
    right = merge[1].get<std::string>();
  } else {
    return refused("a merge is not two tokens");
  }
  const auto a = vocabulary.ids.find(left), b = vocabulary.ids.find(right);
  if (a == vocabulary.ids.end() || b == vocabulary.ids.end()) return refused("a merge of tokens that are not in vocab");
  return std::pair{a->second, b->second};
}

// With unk_token, a byte that has no token would become it, and we leave such bytes out.
Result<void> check_unknown(const Json& definition, const BpeModel& model) {
  if (!is_set(definition, "unk_token")) return {};
  std::vector<bool> has(256);
  for (const std::string& token : model.tokens) {
    if (token.size() == 1) has[static_cast<std::uint8_t>(token[0])] = true;
  }
  if (std::find(has.begin(), has.end(), false) == has.end()) return {};
  return refused("model.unk_token is not understood where bytes have no token");
}

std::string frame_of(const Json& root) {
  Json frame = Json::object();
  for (const char* key : {"normalizer", "pre_tokenizer", "post_processor", "decoder"})
    frame[key] = root.contains(key) ? root[key] : Json();
  for (const auto& [key, value] : root["model"].items()) {
    if (key != "vocab" && key != "merges") frame["model"][key] = value;
  }
  return dump_json(frame);
}

}  // namespace

Result<BpeTokenizer> BpeTokenizer::from_json(std::string_view text) {
  const auto root = parse_json(text);
  if (!root) return refused(root.error().message);
  if (auto understood = check_understood(*root); !understood) return fail(understood.error());
  const Json& definition = json_child(*root, "model");

  BpeModel model;
  const auto nfc = read_normalizer(*root);
  if (!nfc) return fail(nfc.error());
  model.nfc = *nfc;
  auto patterns = read_patterns(*root);
  if (!patterns) return fail(patterns.error());
  model.patterns = std::move(*patterns);
  model.ignore_merges = is_set(definition, "ignore_merges");
  const auto vocabulary = read_vocabulary(definition);
  if (!vocabulary) return fail(vocabulary.error());
  auto added = read_added(*root, *vocabulary);
  if (!added) return fail(added.error());
  model.added = std::move(*added);
  if (auto read = read_tokens(*vocabulary, model); !read) return fail(read.error());
  if (auto known = check_unknown(definition, model); !known) return fail(known.error());
  for (const Json& merge : definition["merges"]) {
    const auto pair = read_merge(merge, *vocabulary);
    if (!pair) return fail(pair.error());
    model.merges.push_back(*pair);
  }
  model.frame_json = frame_of(*root);
  return create(std::move(model));
}

namespace {

using Ordered = nlohmann::ordered_json;

Ordered byte_level() {
  return {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", false}};
}

Ordered pre_tokenizer_of(const BpeModel& model) {
  Ordered steps = Ordered::array();
  for (const std::string& pattern : model.patterns) {
    if (pattern == kDigitPattern || pattern == kDigitRunPattern) {
      steps.push_back({{"type", "Digits"}, {"individual_digits", pattern == kDigitPattern}});
    } else {
      steps.push_back(
          {{"type", "Split"}, {"pattern", {{"Regex", pattern}}}, {"behavior", "Isolated"}, {"invert", false}});
    }
  }
  steps.push_back(byte_level());
  return {{"type", "Sequence"}, {"pretokenizers", steps}};
}

// What stands around vocabulary and merges, if it was not read from a file.
Ordered new_frame(const BpeModel& model) {
  Ordered frame;
  frame["normalizer"] = model.nfc ? Ordered{{"type", "NFC"}} : Ordered();
  frame["pre_tokenizer"] = pre_tokenizer_of(model);
  frame["post_processor"] = nullptr;
  frame["decoder"] = byte_level();
  frame["model"] = {{"type", "BPE"},
                    {"dropout", nullptr},
                    {"unk_token", nullptr},
                    {"continuing_subword_prefix", nullptr},
                    {"end_of_word_suffix", nullptr},
                    {"fuse_unk", false},
                    {"byte_fallback", false},
                    {"ignore_merges", model.ignore_merges}};
  return frame;
}

Ordered added_json(const AddedToken& token) {
  return {{"id", token.id},          {"content", token.content}, {"single_word", token.single_word},
          {"lstrip", token.lstrip},  {"rstrip", token.rstrip},   {"normalized", token.normalized},
          {"special", token.special}};
}

}  // namespace

std::string BpeTokenizer::to_json() const {
  std::vector<std::string> spelled(model_.tokens.size());
  TokenId last = -1;  // the last token that is no added one
  for (std::size_t id = 0; id < spelled.size(); ++id) {
    const std::string& bytes = model_.tokens[id];
    if (bytes.empty()) continue;
    const bool verbatim = std::binary_search(model_.verbatim.begin(), model_.verbatim.end(), static_cast<TokenId>(id));
    spelled[id] = verbatim ? bytes : to_byte_alphabet(bytes);
    last = static_cast<TokenId>(id);
  }
  Ordered added = Ordered::array();
  for (const AddedToken& token : model_.added) {
    added.push_back(added_json(token));
    // Other readers number added tokens that are not in the vocabulary after it.
    if (token.in_vocab || token.id < last) spelled[static_cast<std::size_t>(token.id)] = token.content;
  }
  Json::object_t vocab;
  for (std::size_t id = 0; id < spelled.size(); ++id) {
    if (!spelled[id].empty()) vocab.emplace(spelled[id], id);
  }
  Ordered merges = Ordered::array();
  for (const auto& [left, right] : model_.merges)
    merges.push_back(to_byte_alphabet(model_.tokens[static_cast<std::size_t>(left)]) + " " +
                     to_byte_alphabet(model_.tokens[static_cast<std::size_t>(right)]));
  const Ordered frame = model_.frame_json.empty() ? new_frame(model_) : Ordered::parse(model_.frame_json);
  Ordered root;
  root["version"] = "1.0";
  root["truncation"] = nullptr;
  root["padding"] = nullptr;
  root["added_tokens"] = added;
  for (const char* key : {"normalizer", "pre_tokenizer", "post_processor", "decoder", "model"}) root[key] = frame[key];
  root["model"]["vocab"] = std::move(vocab);
  root["model"]["merges"] = std::move(merges);
  return root.dump(1, ' ') + "\n";
}

}  // namespace retort
