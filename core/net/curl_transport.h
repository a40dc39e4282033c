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
/// - A request on a kept-alive connection that the server had closed before any byte of response is sent again on a
///   fresh connection; nobody sees it. So is an HTTP/2 stream that the server refused, or did not look at before it
///   said goodbye (GOAWAY): up to five times, then it ends as `broken` and possibly billed.
/// - No connection in time is NetFault::connect and was surely not billed; `timeout` means a started or queued
///   exchange.
/// - TLS 1.2 or later is verified, HTTP/2 is used over TLS only, no redirect is followed, only http and https are
///   spoken, URLs with a user name are refused, a `user-agent` header of the request is dropped.
/// - A gzip stream that ends early inside a complete response passes for complete (libcurl does not look): a decoder
///   must notice that text is missing.
/// - One wait() returns little more than 4 MiB of bodies; the rest waits outside.
/// - A paused exchange takes one more read (16 KiB, before decompression) off an HTTP/1.1 connection; while others use
///   the same HTTP/2 connection, up to what the server may send without being asked again. libcurl keeps those bytes.
/// - All members but wake() belong to one thread. The span of wait() stays valid until the next wait(), whatever is
///   called in between.
Result<std::unique_ptr<Transport>> make_curl_transport(const TransportSettings& settings, const Clock& clock);

}  // namespace retort
