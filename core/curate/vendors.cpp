#include "core/curate/vendors.h"

#include <algorithm>
#include <set>

#include "core/base/text.h"

namespace retort {
namespace {

constexpr auto kCompany = VendorAlias::Kind::company;
constexpr auto kModel = VendorAlias::Kind::model;
constexpr auto kName = VendorAlias::Kind::name;

constexpr VendorAlias kAliases[] = {
    {"OpenAI", kCompany, "open ai"},
    {"OpenAI", kCompany, "オープンAI"},
    {"OpenAI", kModel, "chat gpt"},
    {"OpenAI", kModel, "gpt"},
    {"OpenAI", kModel, "instruct gpt"},
    {"OpenAI", kModel, "text davinci"},
    {"Anthropic", kCompany, "anthropic"},
    {"Anthropic", kName, "claude"},
    {"Google", kCompany, "google"},
    {"Google", kCompany, "deepmind"},
    {"Google", kCompany, "谷歌"},
    {"Google", kCompany, "グーグル"},
    {"Google", kCompany, "구글"},
    {"Google", kModel, "gemma"},
    {"Google", kModel, "google gemini"},
    {"Google", kModel, "google bard"},
    {"Google", kName, "gemini"},
    {"Google", kName, "bard"},
    {"Google", kName, "palm"},
    {"Google", kName, "lamda"},
    {"Meta", kCompany, "meta"},
    {"Meta", kCompany, "meta ai"},
    {"Meta", kCompany, "facebook"},
    {"Meta", kModel, "meta ai"},
    {"Meta", kModel, "meta llama"},
    {"Meta", kModel, "code llama"},
    {"Meta", kName, "llama"},
    {"DeepSeek", kCompany, "deepseek"},
    {"DeepSeek", kCompany, "深度求索"},
    {"DeepSeek", kModel, "deepseek"},
    {"Alibaba", kCompany, "alibaba"},
    {"Alibaba", kCompany, "阿里巴巴"},
    {"Alibaba", kCompany, "阿里云"},
    {"Alibaba", kCompany, "阿里"},
    {"Alibaba", kCompany, "アリババ"},
    {"Alibaba", kCompany, "알리바바"},
    {"Alibaba", kCompany, "tongyi"},
    {"Alibaba", kCompany, "通义实验室"},
    {"Alibaba", kModel, "qwen"},
    {"Alibaba", kModel, "qwq"},
    {"Alibaba", kModel, "tongyi"},
    {"Alibaba", kModel, "通义千问"},
    {"Alibaba", kModel, "通义"},
    {"Alibaba", kModel, "千问"},
    {"Mistral", kCompany, "mistral"},
    {"Mistral", kModel, "mixtral"},
    {"Mistral", kModel, "mistral ai"},
    {"Mistral", kModel, "codestral"},
    {"Mistral", kModel, "ministral"},
    {"Mistral", kName, "mistral"},
    {"Microsoft", kCompany, "microsoft"},
    {"Microsoft", kCompany, "微软"},
    {"Microsoft", kCompany, "マイクロソフト"},
    {"Microsoft", kModel, "microsoft copilot"},
    {"Microsoft", kModel, "github copilot"},
    {"Microsoft", kModel, "bing chat"},
    {"Microsoft", kName, "copilot"},
    {"Microsoft", kName, "phi"},
    {"xAI", kCompany, "xai"},
    {"xAI", kCompany, "x.ai"},
    {"xAI", kName, "grok"},
    {"Moonshot", kCompany, "moonshot"},
    {"Moonshot", kCompany, "月之暗面"},
    {"Moonshot", kName, "kimi"},
    {"Zhipu", kCompany, "zhipu"},
    {"Zhipu", kCompany, "智谱"},
    {"Zhipu", kCompany, "智谱 ai"},
    {"Zhipu", kCompany, "z.ai"},
    {"Zhipu", kModel, "chat glm"},
    {"Zhipu", kModel, "glm"},
    {"Zhipu", kModel, "智谱清言"},
    {"Baidu", kCompany, "baidu"},
    {"Baidu", kCompany, "百度"},
    {"Baidu", kModel, "ernie bot"},
    {"Baidu", kModel, "文心一言"},
    {"Baidu", kModel, "文心"},
    {"Baidu", kName, "ernie"},
    {"Hugging Face", kCompany, "hugging face"},
    {"Hugging Face", kModel, "smollm"},
    {"Hugging Face", kModel, "hugging chat"},
    {"Hugging Face", kName, "zephyr"},
    {"Cohere", kCompany, "cohere"},
    {"Cohere", kModel, "command r"},
    {"01.AI", kCompany, "01.ai"},
    {"01.AI", kCompany, "01 ai"},
    {"01.AI", kCompany, "零一万物"},
    {"01.AI", kName, "yi"},
    {"Amazon", kCompany, "amazon"},
    {"Apple", kCompany, "apple"},
    {"IBM", kCompany, "ibm"},
    {"IBM", kName, "granite"},
    {"NVIDIA", kCompany, "nvidia"},
    {"NVIDIA", kModel, "nemotron"},
    {"Tencent", kCompany, "tencent"},
    {"Tencent", kCompany, "腾讯"},
    {"Tencent", kModel, "hunyuan"},
    {"Tencent", kModel, "混元"},
    {"ByteDance", kCompany, "bytedance"},
    {"ByteDance", kCompany, "字节跳动"},
    {"ByteDance", kModel, "doubao"},
    {"ByteDance", kModel, "豆包"},
    {"iFlytek", kCompany, "iflytek"},
    {"iFlytek", kCompany, "科大讯飞"},
    {"iFlytek", kModel, "讯飞星火"},
    {"Baichuan", kCompany, "baichuan"},
    {"Baichuan", kCompany, "百川智能"},
    {"Baichuan", kModel, "baichuan"},
    {"MiniMax", kCompany, "minimax"},
    {"MiniMax", kModel, "minimax"},
    {"Shanghai AI Laboratory", kCompany, "shanghai ai lab"},
    {"Shanghai AI Laboratory", kCompany, "上海人工智能实验室"},
    {"Shanghai AI Laboratory", kModel, "internlm"},
    {"Shanghai AI Laboratory", kModel, "书生"},
    {"AI21", kCompany, "ai21"},
    {"AI21", kModel, "jamba"},
    {"Ai2", kCompany, "allen institute for ai"},
    {"Ai2", kCompany, "ai2"},
    {"Ai2", kModel, "olmo"},
    {"TII", kCompany, "technology innovation institute"},
    {"TII", kName, "falcon"},
    {"Stability AI", kCompany, "stability ai"},
    {"Stability AI", kModel, "stablelm"},
    {"Databricks", kCompany, "databricks"},
    {"Databricks", kModel, "dbrx"},
    {"EleutherAI", kCompany, "eleuther ai"},
    {"EleutherAI", kModel, "gpt neo"},
    {"EleutherAI", kModel, "gpt j"},
    {"LMSYS", kCompany, "lmsys"},
    {"LMSYS", kName, "vicuna"},
    {"Nous Research", kCompany, "nous research"},
    {"Perplexity", kCompany, "perplexity"},
    {"Inflection", kCompany, "inflection ai"},
    {"Naver", kCompany, "naver"},
    {"Naver", kCompany, "네이버"},
    {"Naver", kModel, "hyperclova"},
    {"LG", kCompany, "lg ai research"},
    {"LG", kModel, "exaone"},
    {"Upstage", kCompany, "upstage"},
    {"Yandex", kCompany, "yandex"},
    {"Yandex", kCompany, "яндекс"},
    {"Yandex", kCompany, "Яндекс"},
    {"Yandex", kModel, "yandex gpt"},
    {"Sber", kCompany, "sber"},
    {"Sber", kCompany, "сбер"},
    {"Sber", kCompany, "Сбер"},
    {"Sber", kModel, "giga chat"},
};

// Only hosts that serve nobody else's models; a cloud or a router says nothing about who made what it serves.
constexpr std::pair<std::string_view, std::string_view> kHosts[] = {
    {"openai.com", "OpenAI"},
    {"anthropic.com", "Anthropic"},
    {"generativelanguage.googleapis.com", "Google"},
    {"deepseek.com", "DeepSeek"},
    {"mistral.ai", "Mistral"},
    {"x.ai", "xAI"},
    {"moonshot.cn", "Moonshot"},
    {"moonshot.ai", "Moonshot"},
    {"bigmodel.cn", "Zhipu"},
    {"z.ai", "Zhipu"},
    {"cohere.com", "Cohere"},
    {"cohere.ai", "Cohere"},
    {"lingyiwanwu.com", "01.AI"},
    {"ai21.com", "AI21"},
    {"perplexity.ai", "Perplexity"},
};

// "o1", "o3-mini": too short to be looked for anywhere but at the beginning of a model's name.
bool is_openai_reasoner(std::string_view model) {
  return model.size() >= 2 && model[0] == 'o' && model[1] >= '1' && model[1] <= '9' &&
         (model.size() == 2 || model[2] == '-');
}

bool is_separator(char c) { return c == ' ' || c == '-' || c == '_'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// How many bytes at the beginning of `text` (lower case) are the alias, or 0.
std::size_t alias_length(std::string_view alias, std::string_view text) {
  const std::string wanted = lower_ascii(alias);
  std::size_t at = 0;
  for (const char c : wanted) {
    if (c == ' ') {
      while (at < text.size() && is_separator(text[at])) ++at;
    } else if (at < text.size() && text[at] == c) {
      ++at;
    } else {
      return 0;
    }
  }
  return at;
}

std::string_view host_of(std::string_view url) {
  if (const std::size_t scheme = url.find("://"); scheme != std::string_view::npos) url.remove_prefix(scheme + 3);
  return url.substr(0, url.find_first_of(":/?#"));
}

}  // namespace

std::span<const VendorAlias> vendor_aliases() { return kAliases; }

std::string_view vendor_of_alias(std::string_view found) {
  const std::string text = lower_ascii(found);
  std::string_view vendor;
  std::size_t longest = 0;
  for (const VendorAlias& alias : kAliases) {
    const std::size_t length = alias_length(alias.text, text);
    if (length > longest) {
      longest = length;
      vendor = alias.vendor;
    }
  }
  return vendor;
}

std::vector<std::string> vendors_named_in(std::string_view text) {
  const std::string lower = lower_ascii(text);
  std::set<std::string> found;
  for (std::size_t at = 0; at < lower.size();) {
    if (at > 0 && is_letter(lower[at]) && is_letter(lower[at - 1])) {
      ++at;
      continue;
    }
    std::size_t longest = 0;
    std::string_view vendor;
    for (const VendorAlias& alias : kAliases) {
      const std::size_t length = alias_length(alias.text, std::string_view(lower).substr(at));
      const std::size_t end = at + length;
      // "Metallica" is no Meta, but "llama3" is a Llama.
      if (length <= longest || (end < lower.size() && is_letter(lower[end - 1]) && is_letter(lower[end]))) continue;
      longest = length;
      vendor = alias.vendor;
    }
    if (longest > 0) found.emplace(vendor);
    at += std::max<std::size_t>(longest, 1);
  }
  return {found.begin(), found.end()};
}

std::vector<std::string> vendors_of(const TeacherIdentity& teacher) {
  if (const std::string_view stated = trimmed(teacher.vendor); !stated.empty()) {
    auto known = vendors_named_in(stated);
    if (known.empty()) known.emplace_back(stated);
    return known;
  }
  if (auto named = vendors_named_in(teacher.model); !named.empty()) return named;
  if (is_openai_reasoner(teacher.model)) return {"OpenAI"};
  const std::string host = lower_ascii(host_of(teacher.base_url));
  for (const auto& [domain, vendor] : kHosts) {
    if (host == domain || (host.ends_with(domain) && host[host.size() - domain.size() - 1] == '.')) {
      return {std::string(vendor)};
    }
  }
  return {};
}

}  // namespace retort
