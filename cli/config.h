// The configuration file: teachers, in TOML. Read once, checked once; every key is known or refused by name.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/corpus/records.h"
#include "core/harvest/limits.h"
#include "core/net/transport_settings.h"
#include "core/teacher/teacher.h"

namespace retort {

/// One [teacher.NAME] table.
struct TeacherProfile {
  TeacherIdentity identity;
  std::vector<std::string> endpoints;  ///< base URLs of a fleet, the identity's first among them; empty: there is one
  Terms terms;
  std::string api_key_env;  ///< name of a variable; empty: the teacher wants no key
  Limits limits;
  TeacherSettings settings;
  TransportSettings transport;
  Json parameters = Json::object();        ///< sampling defaults, without max_tokens
  std::optional<std::int64_t> max_tokens;  ///
  bool wait_until_ready = false;           ///< a server of one's own, unless the profile says otherwise
  std::string origin;                      ///< scheme, host and port of base_url; of a fleet all of them, sorted
  bool stream = false;                     ///<
  bool server_side_n = false;              ///< several samples of a prompt in one request
  Duration first_byte_timeout = 2min;      ///< of a stream
  Duration idle_timeout = 1min;            ///< of a stream
  Duration total_timeout = 30min;
  Duration connect_timeout = 30s;
  double batch_price_factor = 1;        ///< what batches cost, of the usual price
  std::int64_t batch_requests_max = 0;  ///< of one batch; 0: as many as its API allows
  double batch_bytes_max = 0;           ///< the same
  double batch_settle_seconds = 60;     ///< until a new batch stands in the provider's list of batches
};

struct Configuration {
  std::string path;  ///< the file that was read
  std::map<std::string, TeacherProfile> teachers;
};

/// Parses the text of a configuration file; `path` is for messages. Pure.
Result<Configuration> parse_configuration(const std::string& text, const std::string& path);

/// Reads `path`, or, if that is empty, retort.toml of the working directory, then $XDG_CONFIG_HOME/retort/config.toml
/// (by default ~/.config). Errc::usage says where was looked.
Result<Configuration> load_configuration(const std::string& path);

/// The profile of that name; Errc::usage lists the known ones and the likeliest meant.
Result<TeacherProfile> find_teacher(const Configuration& configuration, const std::string& name);

/// The key from the profile's variable; empty if the profile wants none. Errc::usage if the variable is unset or empty,
/// or if the key would travel in clear text to a host that is neither loopback nor private.
Result<std::string> credential_of(const TeacherProfile& profile);

/// What the terms allow, as one line for people.
std::string describe_terms(const std::string& teacher, const Terms& terms);

}  // namespace retort
