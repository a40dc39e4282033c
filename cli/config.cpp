#include "cli/config.h"

#ifdef __linux__
#include <sys/prctl.h>
#endif

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <toml++/toml.h>

#include "cli/profile_reader.h"
#include "cli/suggest.h"
#include "cli/url.h"

namespace retort {

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
      Result<TeacherProfile> read = read_profile(*profile.as_table(), path, std::string(name.str()));
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
  std::vector<std::string> places = profile.endpoints;
  places.push_back(profile.identity.base_url);
  for (const std::string& place : places) {
    const auto url = parse_url(place);
    if (!url || url->scheme != "http" || is_private(url->host)) continue;
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
