// SQLite writes each page of its write-ahead log with two calls of the system, a transaction of a hundred pages with
// two hundred. Here they are collected, and written as a few long pieces before the sync that makes them count.
#pragma once

namespace retort {

/// The name of the VFS that does so; registered by the first call. Only for connections with synchronous=FULL: what a
/// commit wrote goes out with its sync, before SQLite tells any reader of it. Everything but the log is the system's.
const char* wal_buffer_vfs();

}  // namespace retort
