// tokenizer.json, read as a hostile file: what would change how text is cut must be understood or refused.
#include <algorithm>

#include "core/base/json.h"
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

bool is_plain_byte_level(const Json& step) {
  return json_text(step, "type") == "ByteLevel" && !is_set(step, "add_prefix_space");
}

Result<std::string> read_pattern(const Json& root) {
  const Json& step = json_child(root, "pre_tokenizer");
  if (is_plain_byte_level(step)) {
    if (step.value("use_regex", Json(true)) != Json(true)) return refused("a ByteLevel that cuts no words");
    return std::string(kGpt2Pattern);
  }
  const Json& steps = json_child(step, "pretokenizers");
  if (json_text(step, "type") != "Sequence" || !steps.is_array() || steps.size() != 2 || !steps[0].is_object() ||
      !steps[1].is_object()) {
    return refused("pre_tokenizer must be ByteLevel, or Split and ByteLevel");
  }
  const bool splits = json_text(steps[0], "type") == "Split" && json_text(steps[0], "behavior") == "Isolated" &&
                      !is_set(steps[0], "invert");
  const std::string pattern = json_text(json_child(steps[0], "pattern"), "Regex");
  if (!splits || pattern.empty()) return refused("only a Split by Regex with behavior Isolated is understood");
  if (!is_plain_byte_level(steps[1]) || steps[1].value("use_regex", Json(true)) != Json(false)) {
    return refused("after a Split, ByteLevel must stand with use_regex false");
  }
  return pattern;
}

Result<void> check_understood(const Json& root) {
  if (!root.is_object()) return refused("not an object");
  if (is_set(root, "normalizer")) return refused("a normalizer is not understood");
  const Json& model = json_child(root, "model");
  const std::string type = json_text(model, "type");
  if (!model.is_object() || (!type.empty() && type != "BPE")) return refused("the model is not BPE");
  for (const char* key : {"dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix", "byte_fallback"}) {
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

Result<std::vector<AddedToken>> read_added(const Json& root) {
  std::vector<AddedToken> added;
  for (const Json& token : json_child(root, "added_tokens")) {
    const auto id = token.is_object() ? json_count(token, "id") : std::nullopt;
    if (!id || *id >= kIdMax) return refused("an added token without a valid id");
    for (const char* key : {"single_word", "lstrip", "rstrip"}) {
      if (is_set(token, key)) return refused(std::string("added tokens with ") + key + " are not understood");
    }
    added.push_back({static_cast<TokenId>(*id), json_text(token, "content"), is_set(token, "special")});
  }
  return added;
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

}  // namespace

Result<BpeTokenizer> BpeTokenizer::from_json(std::string_view text) {
  const auto root = parse_json(text);
  if (!root) return refused(root.error().message);
  if (auto understood = check_understood(*root); !understood) return fail(understood.error());
  const Json& definition = json_child(*root, "model");

  BpeModel model;
  auto pattern = read_pattern(*root);
  if (!pattern) return fail(pattern.error());
  model.pattern = std::move(*pattern);
  model.ignore_merges = is_set(definition, "ignore_merges");
  auto added = read_added(*root);
  if (!added) return fail(added.error());
  model.added = std::move(*added);
  auto vocabulary = read_vocabulary(definition);
  if (!vocabulary) return fail(vocabulary.error());

  TokenId id_max = vocabulary->id_max;
  for (const AddedToken& token : model.added) {
    if (token.id > id_max + 65536) return refused("an added token far beyond the vocabulary");
    id_max = std::max(id_max, token.id);
  }
  model.tokens.resize(static_cast<std::size_t>(id_max) + 1);
  for (const auto& [spelled, id] : vocabulary->ids) {
    const bool is_added = std::any_of(model.added.begin(), model.added.end(),
                                      [&, wanted = id](const AddedToken& t) { return t.id == wanted; });
    if (is_added) continue;
    const auto bytes = from_byte_alphabet(spelled);
    if (!bytes || bytes->empty()) return refused("a token that is not spelled in the byte-level alphabet");
    std::string& place = model.tokens[static_cast<std::size_t>(id)];
    if (!place.empty()) return refused("two tokens with one id");
    place = *bytes;
  }
  for (const Json& merge : definition["merges"]) {
    const auto pair = read_merge(merge, *vocabulary);
    if (!pair) return fail(pair.error());
    model.merges.push_back(*pair);
  }
  return create(std::move(model));
}

std::string BpeTokenizer::to_json() const {
  using Ordered = nlohmann::ordered_json;
  const auto spelled = [&](TokenId id) { return to_byte_alphabet(model_.tokens[static_cast<std::size_t>(id)]); };
  Ordered added = Ordered::array();
  for (const AddedToken& token : model_.added) {
    added.push_back({{"id", token.id},
                     {"content", token.content},
                     {"single_word", false},
                     {"lstrip", false},
                     {"rstrip", false},
                     {"normalized", false},
                     {"special", token.special}});
  }
  Ordered vocab = Ordered::object();
  for (std::size_t id = 0; id < model_.tokens.size(); ++id) {
    if (!model_.tokens[id].empty()) vocab[spelled(static_cast<TokenId>(id))] = id;
  }
  Ordered merges = Ordered::array();
  for (const auto& [left, right] : model_.merges) merges.push_back(spelled(left) + " " + spelled(right));
  const Ordered byte_level = {
      {"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", false}};
  const Ordered split = {
      {"type", "Split"}, {"pattern", {{"Regex", model_.pattern}}}, {"behavior", "Isolated"}, {"invert", false}};
  Ordered root;
  root["version"] = "1.0";
  root["truncation"] = nullptr;
  root["padding"] = nullptr;
  root["added_tokens"] = added;
  root["normalizer"] = nullptr;
  root["pre_tokenizer"] = {{"type", "Sequence"}, {"pretokenizers", Ordered::array({split, byte_level})}};
  root["post_processor"] = nullptr;
  root["decoder"] = byte_level;
  root["model"] = {{"type", "BPE"},
                   {"dropout", nullptr},
                   {"unk_token", nullptr},
                   {"continuing_subword_prefix", nullptr},
                   {"end_of_word_suffix", nullptr},
                   {"fuse_unk", false},
                   {"byte_fallback", false},
                   {"ignore_merges", model_.ignore_merges},
                   {"vocab", vocab},
                   {"merges", merges}};
  return root.dump(1, ' ') + "\n";
}

}  // namespace retort
