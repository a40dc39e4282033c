#include "cli/config.h"

#ifdef __linux__
#include <sys/prctl.h>
#endif

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>

#include <toml++/toml.h>

#include "cli/suggest.h"
#include "cli/toml_json.h"
#include "core/base/text.h"
#include "core/teacher/presets.h"

namespace retort {
namespace {

// "16:30" → 990
std::optional<int> minute_of_day(const std::string& text) {
  if (text.size() != 5 || text[2] != ':') return {};
  for (const std::size_t i : {0u, 1u, 3u, 4u}) {
    if (text[i] < '0' || text[i] > '9') return {};
  }
  const int hour = (text[0] - '0') * 10 + text[1] - '0', minute = (text[3] - '0') * 10 + text[4] - '0';
  if (hour > 23 || minute > 59) return {};
  return hour * 60 + minute;
}

struct Url {
  std::string scheme, host, port;
  bool has_credentials = false;
};

std::optional<Url> parse_url(const std::string& text) {
  const std::size_t scheme_end = text.find("://");
  if (scheme_end == std::string::npos) return {};
  Url url;
  url.scheme = lower_ascii(text.substr(0, scheme_end));
  std::string authority = text.substr(scheme_end + 3);
  authority = authority.substr(0, authority.find_first_of("/?#"));
  if (const std::size_t at = authority.rfind('@'); at != std::string::npos) {
    url.has_credentials = true;
    authority = authority.substr(at + 1);
  }
  if (!authority.empty() && authority[0] == '[') {
    url.host = authority.substr(0, authority.find(']') + 1);
    authority.erase(0, url.host.size());
  } else {
    url.host = authority.substr(0, authority.find(':'));
  }
  if (const std::size_t colon = authority.find(':'); colon != std::string::npos) url.port = authority.substr(colon + 1);
  if (url.host.empty() || (url.scheme != "http" && url.scheme != "https")) return {};
  return url;
}

bool is_local(const std::string& host) {
  if (host == "localhost" || host == "[::1]") return true;
  const bool is_number = host.find_first_not_of("0123456789.") == std::string::npos;
  if (host.find('.') != std::string::npos && !is_number) return false;  // 10.example.org is somebody's name
  if (host.rfind("127.", 0) == 0) return true;
  if (host.rfind("10.", 0) == 0 || host.rfind("192.168.", 0) == 0 || host.rfind("[f", 0) == 0) return true;
  if (host.rfind("172.", 0) == 0) {
    const int second = std::atoi(host.c_str() + 4);
    return second >= 16 && second <= 31;
  }
  return host.find('.') == std::string::npos;  // a bare name of one's own network
}

/// Reads one profile, key by key; the first problem is kept.
class ProfileReader {
 public:
  ProfileReader(const std::string& path, const std::string& name) : where_(path + ": [teacher." + name + "] ") {
    profile_.identity.name = name;
  }

  Result<TeacherProfile> read(const toml::table& table) {
    if (auto begun = begin_with_preset(table); !begun) return fail(begun.error());
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
        {"base_url", text(p.identity.base_url)},
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
    if (p.identity.base_url.empty()) return missing("base_url");
    if (p.identity.model.empty()) return missing("model");
    const auto url = parse_url(p.identity.base_url);
    if (!url) return fail(Errc::usage, where_ + "'base_url' must start with http:// or https:// and name a host");
    if (url->has_credentials) return fail(Errc::usage, where_ + "'base_url' holds a credential: use api_key_env");
    while (p.identity.base_url.back() == '/') p.identity.base_url.pop_back();
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
    p.origin = url->scheme + "://" + url->host + (url->port.empty() ? "" : ":" + url->port);
    p.wait_until_ready = wait_until_ready_.value_or(is_local(url->host));
    if (auto read = read_price_windows(); !read) return fail(read.error());
    return profile_;
  }

  // { from = "16:30", to = "00:30", input_per_million = 0.07, output_per_million = 1.1 }, by UTC.
  Result<void> read_price_windows() {
    std::vector<PriceWindow> windows;
    const auto wrong = [this](const std::string& what) {
      return fail(Errc::usage, where_ + "'price_windows' " + what);
    };
    for (std::size_t i = 0; windows_ != nullptr && i < windows_->size(); ++i) {
      const toml::table* table = (*windows_)[i].as_table();
      if (table == nullptr) return wrong("must be a list of tables");
      PriceWindow window{0, 0, price_};
      bool has_from = false, has_to = false;
      for (const auto& [key, value] : *table) {
        const std::string word(key.str());
        if (word == "from" || word == "to") {
          const auto minute = minute_of_day(value.value_or<std::string>(""));
          if (!minute) return wrong("wants '" + word + "' as \"16:30\", by UTC");
          (word == "from" ? window.from_minute : window.to_minute) = *minute;
          (word == "from" ? has_from : has_to) = true;
          continue;
        }
        double* const price = word == "input_per_million"          ? &window.price.input
                              : word == "output_per_million"       ? &window.price.output
                              : word == "cached_input_per_million" ? &window.price.cached_input
                                                                   : nullptr;
        if (price == nullptr) return wrong("has an unknown key '" + word + "'");
        const auto number = value.is_number() ? value.value<double>() : std::optional<double>();
        if (!number || !(*number >= 0)) return wrong("wants '" + word + "' as a number of at least 0");
        *price = *number;
      }
      if (!has_from || !has_to) return wrong("wants 'from' and 'to' in each");
      windows.push_back(window);
    }
    profile_.settings.prices = Prices(price_, std::move(windows));
    return {};
  }

  TeacherProfile profile_;
  Price price_;
  const toml::array* windows_ = nullptr;
  std::optional<bool> wait_until_ready_;
  std::string where_;
  std::string problem_;
};

}  // namespace

Result<Configuration> parse_configuration(const std::string& text, const std::string& path) {
  Configuration configuration;
  configuration.path = path;
  toml::table root;
  try {
    root = toml::parse(text, path);
  } catch (const toml::parse_error& problem) {
    return fail(Errc::usage,
                path + ":" + std::to_string(problem.source().begin.line) + ": " + std::string(problem.description()));
  }
  for (const auto& [key, value] : root) {
    if (key.str() != "teacher" || !value.is_table()) {
      return fail(Errc::usage, path + ": unknown table '" + std::string(key.str()) + "': only [teacher.NAME] is known");
    }
    for (const auto& [name, profile] : *value.as_table()) {
      if (!profile.is_table()) return fail(Errc::usage, path + ": write [teacher.NAME], not [teacher]");
      Result<TeacherProfile> read = ProfileReader(path, std::string(name.str())).read(*profile.as_table());
      if (!read) return fail(read.error());
      configuration.teachers.emplace(name.str(), std::move(*read));
    }
  }
  return configuration;
}

Result<Configuration> load_configuration(const std::string& path) {
  std::vector<std::string> places;
  if (!path.empty()) {
    places = {path};
  } else {
    places = {"retort.toml"};
    const char* config_home = std::getenv("XDG_CONFIG_HOME");
    const char* home = std::getenv("HOME");
    if (config_home && *config_home)
      places.push_back(std::string(config_home) + "/retort/config.toml");
    else if (home && *home)
      places.push_back(std::string(home) + "/.config/retort/config.toml");
  }
  for (const std::string& place : places) {
    std::error_code unknown;
    if (!std::filesystem::exists(place, unknown)) continue;
    std::ifstream file(place, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    if (!file || file.bad())
      return fail(Errc::usage, "cannot read the configuration '" + place + "': check its permissions");
    return parse_configuration(text.str(), place);
  }
  std::string looked;
  for (const std::string& place : places) looked += (looked.empty() ? "" : ", ") + place;
  return fail(Errc::usage, "no configuration found (looked for " + looked +
                               "); describe a teacher there, see docs/configuration.md");
}

Result<TeacherProfile> find_teacher(const Configuration& configuration, const std::string& name) {
  const auto found = configuration.teachers.find(name);
  if (found != configuration.teachers.end()) return found->second;
  std::vector<std::string> known;
  std::string list;
  for (const auto& [teacher, profile] : configuration.teachers) {
    known.push_back(teacher);
    list += (list.empty() ? "" : ", ") + teacher;
  }
  return fail(Errc::usage, "unknown teacher '" + name + "'" + did_you_mean(name, known) + " (" + configuration.path +
                               " has " + (list.empty() ? "none" : list) + ")");
}

Result<std::string> credential_of(const TeacherProfile& profile) {
  if (profile.api_key_env.empty()) return std::string();
  const char* key = std::getenv(profile.api_key_env.c_str());
  if (!key || !*key) {
    return fail(Errc::usage, "teacher '" + profile.identity.name + "' wants its key in the variable " +
                                 profile.api_key_env + ", which is not set: export " + profile.api_key_env + "=…");
  }
  if (std::any_of(key, key + std::char_traits<char>::length(key),
                  [](unsigned char c) { return c <= ' ' || c == 0x7f; })) {
    return fail(Errc::usage,
                "the key in " + profile.api_key_env + " holds a blank or a control character: set it again");
  }
  const auto url = parse_url(profile.identity.base_url);
  if (url && url->scheme == "http" && !is_local(url->host)) {
    return fail(Errc::usage, "teacher '" + profile.identity.name + "': the key would travel in clear text to " +
                                 url->host + ": use https://");
  }
#ifdef PR_SET_DUMPABLE
  prctl(PR_SET_DUMPABLE, 0);  // from here on a core dump would hold the key
#endif
  return std::string(key);
}

std::string describe_terms(const std::string& teacher, const Terms& terms) {
  std::string line = "terms of " + teacher + ": outputs " +
                     (!terms.outputs_may_train   ? "may perhaps be used for training (unknown)"
                      : *terms.outputs_may_train ? "may be used for training"
                                                 : "may NOT be used for training");
  line += "; licence " + (terms.licence.empty() ? std::string("unknown") : terms.licence);
  for (std::size_t i = 0; i < terms.conditions.size(); ++i)
    line += (i == 0 ? "; conditions: " : ", ") + terms.conditions[i];
  if (!terms.terms_url.empty()) line += "; " + terms.terms_url;
  if (!terms.terms_checked.empty()) line += " (checked " + terms.terms_checked + ")";
  return line;
}

}  // namespace retort
