#include "cli/profile_reader.h"

#include <functional>
#include <map>
#include <set>

#include "cli/price_reader.h"
#include "cli/suggest.h"
#include "cli/toml_json.h"
#include "cli/url.h"
#include "core/teacher/presets.h"

namespace retort {
namespace {

/// Reads one profile, key by key; the first problem is kept.
class ProfileReader {
 public:
  ProfileReader(const std::string& path, const std::string& name) : where_(path + ": [teacher." + name + "] ") {
    profile_.identity.name = name;
  }

  Result<TeacherProfile> read(const toml::table& table) {
    if (auto begun = begin_with_preset(table); !begun) return fail(begun.error());
    base_url_stated_ = table.contains("base_url");
    const auto keys = setters();
    std::vector<std::string> known;
    for (const auto& [key, set] : keys) known.push_back(key);
    for (const auto& [key, value] : table) {
      const std::string word(key.str());
      const auto setter = keys.find(word);
      if (setter == keys.end()) {
        const std::string unwanted = word == "api_key"
                                         ? ": a key is never in a file; name its variable with api_key_env"
                                     : word == "headers" || word == "user_agent" ? ": retort always says who it is"
                                                                                 : did_you_mean(word, known);
        return fail(Errc::usage, where_ + "unknown key '" + word + "'" + unwanted);
      }
      setter->second(value);
      if (!problem_.empty()) return fail(Errc::usage, where_ + "'" + word + "' " + problem_);
    }
    return finish();
  }

 private:
  using Setter = std::function<void(const toml::node&)>;

  /// What a preset says stands first, so that every other key may say otherwise.
  Result<void> begin_with_preset(const toml::table& table) {
    const toml::node* const node = table.get("preset");
    if (node == nullptr) return {};
    const std::string name = node->value_exact<std::string>().value_or("");
    const Preset* const preset = find_preset(name);
    if (preset == nullptr) {
      std::vector<std::string> known;
      for (const Preset& one : presets()) known.emplace_back(one.name);
      return fail(Errc::usage, where_ + "unknown preset '" + name + "'" + did_you_mean(name, known) +
                                   ": `retort teacher list --presets` lists them");
    }
    profile_.identity.dialect = preset->dialect;
    profile_.identity.base_url = preset->base_url;
    profile_.terms.terms_url = preset->terms_url;
    if (preset->quirks != nullptr) preset->quirks(profile_.settings);
    profile_.batch_price_factor = preset->batch_price_factor;
    return {};
  }

  Setter text(std::string& into) {
    return [this, &into](const toml::node& node) {
      const auto value = node.value_exact<std::string>();
      if (value)
        into = *value;
      else
        problem_ = "must be text in quotes";
    };
  }
  template <class Number>
  Setter number(Number& into, double least) {
    return [this, &into, least](const toml::node& node) {
      const auto value = node.is_number() ? node.value<double>() : std::optional<double>();
      if (value && *value >= least && *value < 1e15)
        into = static_cast<Number>(*value);
      else
        problem_ = "must be a number of at least " + std::to_string(static_cast<int>(least));
    };
  }
  Setter flag(bool& into) {
    return [this, &into](const toml::node& node) {
      if (const auto value = node.value_exact<bool>())
        into = *value;
      else
        problem_ = "must be true or false";
    };
  }
  Setter duration(Duration& into) {
    return [this, &into](const toml::node& node) {
      double value = 0;
      number(value, 0)(node);
      if (problem_.empty() && value > 0)
        into = from_seconds(value);
      else
        problem_ = "must be a number of seconds above 0";
    };
  }

  std::map<std::string, Setter> setters() {
    TeacherProfile& p = profile_;
    return {
        {"preset", [](const toml::node&) {}},  // read before all others
        {"api", text(p.identity.dialect)},
        {"base_url",
         [this](const toml::node& node) {
           text(profile_.identity.base_url)(node);
           if (node.is_array()) problem_ = "is one URL: several of one teacher stand in 'base_urls'";
         }},
        {"base_urls", [this](const toml::node& node) { read_endpoints(node); }},
        {"model", text(p.identity.model)},
        {"vendor", text(p.identity.vendor)},
        {"api_key_env", text(p.api_key_env)},
        {"licence", text(p.terms.licence)},
        {"terms_url", text(p.terms.terms_url)},
        {"terms_checked",
         [this](const toml::node& node) {
           const Json value = to_json(node);
           if (value.is_string() && value.get_ref<const std::string&>().size() == 10)
             profile_.terms.terms_checked = value;
           else
             problem_ = "must be a date such as 2026-11-22";
         }},
        {"conditions",
         [this](const toml::node& node) {
           const Json value = to_json(node);
           if (!value.is_array()) problem_ = "must be a list of texts";
           for (const Json& item : value) {
             if (item.is_string())
               profile_.terms.conditions.push_back(item);
             else
               problem_ = "must be a list of texts";
           }
         }},
        {"outputs_may_train",
         [this](const toml::node& node) {
           if (const auto value = node.value_exact<bool>())
             profile_.terms.outputs_may_train = *value;
           else
             problem_ = "must be true or false (leave it out if it is unknown)";
         }},
        {"requests_per_minute", number(p.limits.requests_per_minute, 0)},
        {"tokens_per_minute", number(p.limits.tokens_per_minute, 0)},
        {"input_tokens_per_minute", number(p.limits.input_tokens_per_minute, 0)},
        {"output_tokens_per_minute", number(p.limits.output_tokens_per_minute, 0)},
        {"requests_per_day", number(p.limits.requests_per_day, 0)},
        {"tokens_per_day", number(p.limits.tokens_per_day, 0)},
        {"max_in_flight", number(p.limits.in_flight_max, 1)},
        {"wait_until_ready",
         [this](const toml::node& node) {
           wait_until_ready_ = node.value_exact<bool>();
           if (!wait_until_ready_) problem_ = "must be true or false";
         }},
        {"stream", flag(p.stream)},
        {"server_side_n", flag(p.server_side_n)},
        {"first_byte_timeout_seconds", duration(p.first_byte_timeout)},
        {"idle_timeout_seconds", duration(p.idle_timeout)},
        {"timeout_seconds", duration(p.total_timeout)},
        {"connect_timeout_seconds", duration(p.connect_timeout)},
        {"price_input_per_million", number(price_.input, 0)},
        {"price_output_per_million", number(price_.output, 0)},
        {"price_cached_input_per_million", number(price_.cached_input, 0)},
        {"price_cache_write_per_million", number(price_.cache_write, 0)},
        {"price_windows",
         [this](const toml::node& node) {
           windows_ = node.as_array();
           if (!windows_) problem_ = "must be a list of tables";
         }},
        {"batch_price_factor", number(p.batch_price_factor, 0)},
        {"batch_requests_max", number(p.batch_requests_max, 1)},
        {"batch_bytes_max", number(p.batch_bytes_max, 1024)},
        {"batch_settle_seconds", number(p.batch_settle_seconds, 0)},
        {"max_tokens_name", text(p.settings.max_tokens_name)},
        {"inline_reasoning",
         [this](const toml::node& node) {
           const std::string word = node.value_exact<std::string>().value_or("");
           InlineReasoning& how = profile_.settings.inline_reasoning;
           if (word == "automatic")
             how = InlineReasoning::automatic;
           else if (word == "opened")
             how = InlineReasoning::opened;
           else if (word == "off")
             how = InlineReasoning::off;
           else
             problem_ = "must be \"automatic\", \"opened\" or \"off\"";
         }},
        {"ca_bundle", text(p.transport.ca_bundle)},
        {"proxy", text(p.transport.proxy)},
        {"parameters",
         [this](const toml::node& node) {
           profile_.parameters = to_json(node);
           if (!node.is_table()) problem_ = "must be a table";
         }},
    };
  }

  Result<TeacherProfile> finish() {
    const auto missing = [&](const char* key) { return fail(Errc::usage, where_ + "has no '" + key + "'"); };
    TeacherProfile& p = profile_;
    if (p.identity.dialect.empty()) return missing("api");
    if (p.identity.base_url.empty() && p.endpoints.empty()) return missing("base_url");
    if (p.identity.model.empty()) return missing("model");
    if (auto placed = read_places(); !placed) return fail(placed.error());
    for (const char* name : {"max_tokens", "max_completion_tokens"}) {
      const auto found = p.parameters.find(name);
      if (found == p.parameters.end()) continue;
      if (!found->is_number_integer() || *found < 1)
        return fail(Errc::usage, where_ + "'" + name + "' must be a whole number above 0");
      p.max_tokens = found->get<std::int64_t>();
      if (std::string_view(name) == "max_completion_tokens") p.settings.max_tokens_name = name;
      p.parameters.erase(name);
    }
    p.settings.base_url = p.identity.base_url;
    p.settings.model = p.identity.model;
    p.transport.max_connections = p.limits.in_flight_max;
    Result<Prices> prices = read_prices(price_, p.settings.cache_write_factor, windows_);
    if (!prices) return fail(Errc::usage, where_ + prices.error().message);
    p.settings.prices = std::move(*prices);
    return profile_;
  }

  void read_endpoints(const toml::node& node) {
    constexpr const char* kWanted = "must be a list of different URLs, as [\"http://10.0.0.1:8000/v1\", …]";
    const Json value = to_json(node);
    std::set<std::string> seen;
    for (const Json& item : value.is_array() ? value : Json::array()) {
      std::string url = item.is_string() ? item.get<std::string>() : "";
      while (!url.empty() && url.back() == '/') url.pop_back();
      if (url.empty() || !seen.insert(url).second) problem_ = kWanted;
      profile_.endpoints.push_back(std::move(url));
    }
    if (profile_.endpoints.empty()) problem_ = kWanted;
  }

  /// base_url, or a fleet's base_urls, of which the first stands for the teacher.
  Result<void> read_places() {
    TeacherProfile& p = profile_;
    const char* const key = p.endpoints.empty() ? "base_url" : "base_urls";
    const auto wrong = [&](const std::string& what) { return fail(Errc::usage, where_ + "'" + key + "' " + what); };
    if (base_url_stated_ && !p.endpoints.empty())
      return wrong("stands beside 'base_url': one of them names the places of this teacher");
    if (p.endpoints.empty()) p.endpoints = {p.identity.base_url};
    std::vector<Url> urls;
    std::set<std::string> origins;
    for (std::size_t i = 0; i < p.endpoints.size(); ++i) {
      if (const std::string problem = problem_with_base_url(p.endpoints[i]); !problem.empty())
        return wrong((p.endpoints.size() > 1 ? "(number " + std::to_string(i + 1) + ") " : "") + problem);
      const auto url = parse_url(p.endpoints[i]);
      origins.insert(url->origin());
      urls.push_back(*url);
    }
    if (urls.size() > 1) {
      if (const std::string problem = problem_with_fleet(urls); !problem.empty())
        return fail(Errc::usage, where_ + problem);
    }
    p.identity.base_url = p.endpoints.front();
    while (p.identity.base_url.back() == '/') p.identity.base_url.pop_back();
    if (p.endpoints.size() == 1) p.endpoints.clear();
    for (const std::string& origin : origins) p.origin += (p.origin.empty() ? "" : " ") + origin;
    p.wait_until_ready = wait_until_ready_.value_or(is_private(urls.front().host));
    return {};
  }

  TeacherProfile profile_;
  Price price_;
  const toml::array* windows_ = nullptr;
  std::optional<bool> wait_until_ready_;
  bool base_url_stated_ = false;
  std::string where_;
  std::string problem_;
};

}  // namespace

Result<TeacherProfile> read_profile(const toml::table& table, const std::string& path, const std::string& name) {
  return ProfileReader(path, name).read(table);
}

}  // namespace retort
