#pragma once

#include <string>

namespace retort {

/// What a person may choose about the wire. Not among it: the User-Agent (always "retort/VERSION"), certificate checks
/// (always on), redirects (never followed).
struct TransportSettings {
  /// A PEM file of trusted certificates; empty: the system's.
  std::string ca_bundle = {};
  /// "http://host:port" or "socks5h://host:port"; empty: none. The environment (https_proxy, no_proxy, …) is not read:
  /// which way a credential travels should be written where the teacher is.
  std::string proxy = {};
  /// Exchanges on the wire at once; those beyond wait in the transport, in order. Clamped by claim_connections().
  int max_connections = 256;
};

/// The part of `wanted` that this process has descriptors for, less a reserve for everything else. The soft limit of
/// RLIMIT_NOFILE is raised for it as far as the hard one lets it.
int claim_connections(int wanted);

}  // namespace retort
