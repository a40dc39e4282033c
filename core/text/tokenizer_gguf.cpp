#include "core/text/tokenizer_gguf.h"

#include <algorithm>
#include <unordered_map>

#include "core/base/text.h"
#include "core/text/byte_alphabet.h"

namespace retort {
namespace {

enum TokenType : std::int32_t { kNormal = 1, kUnknown = 2, kControl = 3, kUserDefined = 4, kUnused = 5 };

Failure refused(const std::string& what) { return fail(Errc::usage, "GGUF tokenizer: " + what); }

struct Family {
  std::string_view pre;
  std::vector<std::string> patterns;
  bool nfc = false, ignore_merges = false;
};

// The first of those alike is the name that is written.
const std::vector<Family>& families() {
  const std::vector<std::string> llama3{std::string(kLlama3Pattern)}, qwen2{std::string(kDigitsAlonePattern)},
      qwen35{std::string(kQwen35Pattern)}, gpt2{std::string(kGpt2Pattern)},
      smollm{std::string(kDigitPattern), std::string(kGpt2Pattern)};
  static const std::vector<Family> all = {
      {"llama-bpe", llama3, false, true},
      {"llama3", llama3, false, true},
      {"llama-v3", llama3, false, true},
      {"smaug-bpe", llama3},
      {"qwen2", qwen2, true},
      {"deepseek-r1-qwen", qwen2, true},
      {"qwen35", qwen35, true},
      {"gpt-2", gpt2},
      {"phi-2", gpt2},
      {"smollm", smollm},
      {"starcoder", smollm},
      {"refact", smollm},
      {"command-r", smollm},
  };
  return all;
}

Result<void> read_token(const GgufTokenizer& values, std::size_t id, BpeModel& model) {
  const std::int32_t type = values.token_type.empty() ? kNormal : values.token_type[id];
  const std::string& token = values.tokens[id];
  if (token.empty() || !is_valid_utf8(token)) return refused("token " + std::to_string(id) + " is no text");
  const auto place = static_cast<TokenId>(id);
  if (type == kControl || type == kUnknown || type == kUserDefined) {
    AddedToken added{place, token, type != kUserDefined};
    added.in_vocab = false;
    model.added.push_back(std::move(added));
  } else if (type == kNormal || type == kUnused) {
    const auto bytes = type == kNormal ? from_byte_alphabet(token) : std::nullopt;
    model.tokens[id] = bytes ? *bytes : token;
    if (!bytes) model.verbatim.push_back(place);
  } else {
    return refused("tokens of type " + std::to_string(type) + " are not understood");
  }
  return {};
}

}  // namespace

Result<BpeTokenizer> tokenizer_from_gguf(const GgufTokenizer& values) {
  if (values.model != "gpt2")
    return refused("the model '" + shortened(on_one_line(values.model), 40) + "' is no byte-level BPE (gpt2)");
  const auto family = std::find_if(families().begin(), families().end(),
                                   [&](const Family& candidate) { return candidate.pre == values.pre; });
  if (family == families().end())
    return refused("the pre-tokenizer '" + shortened(on_one_line(values.pre), 40) + "' is not understood");
  if (!values.token_type.empty() && values.token_type.size() != values.tokens.size())
    return refused("token_type has not as many entries as tokens");

  BpeModel model;
  model.patterns = family->patterns;
  model.nfc = family->nfc;
  model.ignore_merges = family->ignore_merges;
  model.tokens.resize(values.tokens.size());
  std::unordered_map<std::string_view, TokenId> ids;
  ids.reserve(values.tokens.size());
  for (std::size_t id = 0; id < values.tokens.size(); ++id) {
    if (auto read = read_token(values, id, model); !read) return fail(read.error());
    ids.emplace(values.tokens[id], static_cast<TokenId>(id));
  }
  for (const std::string& merge : values.merges) {
    const std::size_t space = merge.find(' ');
    if (space == std::string::npos) return refused("a merge is not two tokens");
    const auto left = ids.find(std::string_view(merge).substr(0, space));
    const auto right = ids.find(std::string_view(merge).substr(space + 1));
    if (left == ids.end() || right == ids.end()) return refused("a merge of tokens that do not exist");
    model.merges.emplace_back(left->second, right->second);
  }
  return BpeTokenizer::create(std::move(model));
}

Result<GgufTokenizer> tokenizer_to_gguf(const BpeTokenizer& tokenizer, std::size_t size) {
  const BpeModel& model = tokenizer.model();
  const auto fits = [&](const Family& candidate, bool nfc) {
    return candidate.patterns == model.patterns && candidate.ignore_merges == model.ignore_merges &&
           candidate.nfc == nfc;
  };
  auto family = std::find_if(families().begin(), families().end(),
                             [&](const Family& candidate) { return fits(candidate, model.nfc); });
  // Readers of GGUF do not normalise, so that a tokenizer without NFC has the same name.
  if (family == families().end()) {
    family = std::find_if(families().begin(), families().end(),
                          [&](const Family& candidate) { return fits(candidate, !model.nfc); });
  }
  if (family == families().end()) return refused("it has no name for this tokenizer's way of cutting words");
  if (size < model.tokens.size()) return refused("the model's vocabulary is smaller than the tokenizer's");
  GgufTokenizer values;
  values.pre = family->pre;
  const auto spelled = [&](TokenId id) { return to_byte_alphabet(model.tokens[static_cast<std::size_t>(id)]); };
  for (std::size_t id = 0; id < size; ++id) {
    const auto place = static_cast<TokenId>(id);
    const AddedToken* added = tokenizer.added(place);
    const bool used = id < model.tokens.size() && !model.tokens[id].empty();
    const bool verbatim = std::binary_search(model.verbatim.begin(), model.verbatim.end(), place);
    if (added != nullptr) {
      values.tokens.push_back(added->content);
      values.token_type.push_back(added->special ? kControl : kUserDefined);
    } else if (used && !verbatim) {
      values.tokens.push_back(spelled(place));
      values.token_type.push_back(kNormal);
    } else {
      values.tokens.push_back(used ? model.tokens[id] : "[PAD" + std::to_string(id) + "]");
      values.token_type.push_back(kUnused);
    }
  }
  for (const auto& [left, right] : model.merges) values.merges.push_back(spelled(left) + " " + spelled(right));
  return values;
}

}  // namespace retort
