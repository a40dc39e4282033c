#include "cli/url.h"

#include <algorithm>
#include <cstdlib>
#include <string_view>

#include "core/base/text.h"
#include "core/teacher/presets.h"

namespace retort {
namespace {

bool ends_with(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

// co.uk, com.au, ac.jp: names under which everybody registers, which are no domain of anybody.
bool is_registry(const std::string& domain) {
  const std::size_t dot = domain.find('.');
  if (dot == std::string::npos) return true;
  return domain.find('.', dot + 1) == std::string::npos && dot <= 3 && domain.size() - dot - 1 == 2;
}

// The domain itself, or a name in it. An address has no domain.
bool is_below(const std::string& host, const std::string& domain) {
  if (host == domain) return true;
  const bool is_address = domain.find_first_not_of("0123456789.") == std::string::npos || domain.front() == '[';
  return !is_address && !is_registry(domain) && ends_with(host, "." + domain);
}

bool is_provider(const std::string& host) {
  return std::any_of(presets().begin(), presets().end(),
                     [&](const Preset& preset) {
                       const auto url = parse_url(std::string(preset.base_url));
                       return url && !is_private(url->host) && url->host == host;
                     }) ||
         ends_with(host, ".azure.com");
}

}  // namespace

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

std::string problem_with_base_url(const std::string& text) {
  const auto url = parse_url(text);
  if (!url) return "must start with http:// or https:// and name a host";
  if (url->has_credentials) return "holds a credential: use api_key_env";
  if (text.find_first_of("?#") != std::string::npos) return "holds a '?' or '#': paths of the API are put behind it";
  if (std::any_of(text.begin(), text.end(), [](unsigned char c) { return c <= ' ' || c == 0x7f; }))
    return "holds a blank or a control character";
  const std::string& port = url->port;
  const bool digits = port.size() <= 5 && port.find_first_not_of("0123456789") == std::string::npos;
  if (!digits || (!port.empty() && (std::stoi(port) < 1 || std::stoi(port) > 65535)))
    return "names a port that there is not: '" + port + "'";
  return {};
}

bool is_private(const std::string& host) {
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

std::string problem_with_fleet(const std::vector<Url>& urls) {
  if (std::all_of(urls.begin(), urls.end(), [](const Url& url) { return is_private(url.host); })) return {};
  constexpr const char* kRule =
      "'base_urls' are servers of one's own: loopback, private addresses, or hosts of one domain; ";
  const std::string first = lower_ascii(urls.front().host);
  for (const Url& url : urls) {
    const std::string host = lower_ascii(url.host);
    if (is_provider(host)) return kRule + (host + " is a provider's, which has one front door: use 'base_url'");
    if (!is_below(host, first) && !is_below(host, first.substr(first.find('.') + 1)))
      return kRule + (first + " and " + host + " are not of one domain");
  }
  return {};
}

}  // namespace retort
