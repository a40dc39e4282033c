// The real network: libcurl's event interface under one epoll.
#pragma once

#include <memory>

#include "core/base/clock.h"
#include "core/base/result.h"
#include "core/net/transport.h"
#include "core/net/transport_settings.h"

namespace retort {

/// Fails (Errc::usage) on an unreadable ca_bundle and (Errc::internal) where the system gives no descriptors.
/// `clock` must outlive the transport and be the machine's own: libcurl and the kernel keep time by it.
///
/// What the result promises beyond the port:
/// - A request on a kept-alive connection that the server had closed before any byte of response is sent again once on
/// a
///   fresh connection; nobody sees it.
/// - No connection in time is NetFault::connect and was surely not billed; `timeout` means a started or queued
/// exchange.
/// - TLS is verified, HTTP/2 is used over TLS only, no redirect is followed, only http and https are spoken, URLs with
/// a
///   user name are refused, a `user-agent` header of the request is dropped.
/// - A gzip stream that ends early inside a complete response passes for complete (libcurl does not look): a decoder
/// must
///   notice that text is missing.
/// - All members but wake() belong to one thread. The span of wait() stays valid until the next wait().
Result<std::unique_ptr<Transport>> make_curl_transport(const TransportSettings& settings, const Clock& clock);

}  // namespace retort
