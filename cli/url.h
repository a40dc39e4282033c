// Where a profile's endpoints are: which places are one's own, and which belong together.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace retort {

struct Url {
  std::string scheme, host, port;
  bool has_credentials = false;
  std::string origin() const { return scheme + "://" + host + (port.empty() ? "" : ":" + port); }
};

/// Nothing if it is neither http nor https, or names no host.
std::optional<Url> parse_url(const std::string& text);

/// Why the paths of an API cannot be put behind it; empty if they can.
std::string problem_with_base_url(const std::string& text);

/// Loopback, a private address, or a bare name of one's own network.
bool is_private(const std::string& host);

/// Why these are not the endpoints of one fleet that somebody owns; empty if they may be: all are private, or all of
/// one domain that is no provider's.
std::string problem_with_fleet(const std::vector<Url>& urls);

}  // namespace retort
