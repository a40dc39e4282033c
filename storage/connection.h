// The only file that talks to SQLite. A connection, its statements and its errors, as values: no exceptions, no
// manual reset, and text with NUL in it survives both ways.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "core/base/instant.h"
#include "core/base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace retort {

/// What kind of failure the last error was; decides whether a writer may go on.
enum class Trouble {
  none,
  busy,       ///< another program holds the lock
  disk_full,  ///< no space, quota or size limit: may be tried again
  io,         ///< the disk failed: never tried again as if it had worked
  corrupt,    ///< the file is damaged or no database
  other,
};

/// Bytes, as opposed to text.
struct Blob {
  std::string_view bytes;
};

class Connection;

/// A running statement: read with `while (rows.next()) … rows.text(0)`, then ask status(). Ends the statement
/// when destroyed. Must not outlive its connection.
class Rows {
 public:
  Rows(Rows&& other) noexcept
      : connection_(other.connection_),
        statement_(std::exchange(other.statement_, nullptr)),
        code_(other.code_),
        cause_(other.cause_) {}
  Rows(const Rows&) = delete;
  Rows& operator=(const Rows&) = delete;
  Rows& operator=(Rows&&) = delete;
  ~Rows();

  /// The next row, or false: at the end, and after an error.
  bool next();
  Result<void> status() const;

  bool is_null(int column) const;
  std::int64_t integer(int column) const;
  double real(int column) const;
  /// Text or bytes with all their NULs; empty for NULL.
  std::string text(int column) const;

 private:
  friend class Connection;
  Rows(Connection& connection, const char* sql);

  void bind(int index, std::nullptr_t, bool copy);
  void bind(int index, bool value, bool copy) { bind(index, static_cast<std::int64_t>(value), copy); }
  void bind(int index, int value, bool copy) { bind(index, static_cast<std::int64_t>(value), copy); }
  void bind(int index, std::int64_t value, bool copy);
  void bind(int index, double value, bool copy);
  void bind(int index, std::string_view text, bool copy);
  void bind(int index, const std::string& text, bool copy) { bind(index, std::string_view(text), copy); }
  void bind(int index, const char* text, bool copy) { bind(index, std::string_view(text), copy); }
  void bind(int index, Blob blob, bool copy);
  template <class T>
  void bind(int index, const std::optional<T>& value, bool copy) {
    value ? bind(index, *value, copy) : bind(index, nullptr, copy);
  }

  Connection* connection_;
  sqlite3_stmt* statement_;
  int code_;       ///< of SQLite: the first error, or OK
  int cause_ = 0;  ///< errno of that error, where it has one
};

/// Used by one thread at a time.
class Connection {
 public:
  enum class Mode {
    create,     ///< read and write; makes the file
    write,      ///< read and write an existing file; read-only by itself where the file is
    immutable,  ///< read without locks, shared memory or recovery: touches nothing, sees nothing that is in the WAL
  };
  static Result<std::unique_ptr<Connection>> open(const std::string& path, Mode mode);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Runs one statement to its end. Statements are prepared once per text.
  template <class... Args>
  Result<void> run(const char* sql, const Args&... args) {
    Rows rows(*this, sql);
    [[maybe_unused]] int index = 0;
    (rows.bind(++index, args, false), ...);
    while (rows.next()) {
    }
    return rows.status();
  }
  template <class... Args>
  Rows query(const char* sql, const Args&... args) {
    Rows rows(*this, sql);
    [[maybe_unused]] int index = 0;
    (rows.bind(++index, args, true), ...);
    return rows;
  }
  /// As query(), without a copy: the arguments must outlive the rows, so they must be variables.
  template <class... Args>
  Rows look_up(const char* sql, const Args&... args) {
    Rows rows(*this, sql);
    [[maybe_unused]] int index = 0;
    (rows.bind(++index, args, false), ...);
    return rows;
  }
  /// Several statements without parameters.
  Result<void> script(const char* sql);
  /// The first column of the first row.
  Result<std::int64_t> number(const char* sql);

  std::int64_t last_insert_id() const;
  /// Rows that the last INSERT, UPDATE or DELETE changed.
  int changes() const;

  /// How long a statement waits for another program's lock.
  void set_busy_timeout(Duration timeout);
  /// From now on the WAL is checkpointed by checkpoint() only.
  void checkpoint_by_hand();
  /// Pages in the WAL after the last commit, if checkpointed by hand.
  int wal_pages() const { return wal_pages_; }
  enum class Checkpoint { passive, truncate };
  /// Success also if readers keep a part of the WAL in use.
  Result<void> checkpoint(Checkpoint kind);
  /// Copies all pages as they are now into an empty database. What other programs write meanwhile is neither waited for
  /// nor seen. Errc::interrupted once `stopped` says so.
  Result<void> copy_to(Connection& copy, const std::function<bool()>& stopped);
  /// Closing leaves the WAL as a crash would.
  void leave_wal_on_close();

  /// Of the last error since a transaction began.
  Trouble trouble() const { return trouble_; }
  const std::string& path() const { return path_; }

 private:
  friend class Rows;
  friend class Transaction;
  explicit Connection(std::string path) : path_(std::move(path)) {}
  sqlite3_stmt* prepared(const char* sql, int& code);
  Failure failure(int code, int cause_errno);

  std::string path_;
  sqlite3* handle_ = nullptr;
  std::map<std::string_view, sqlite3_stmt*> statements_;  ///< keyed by literals, which live as long as the program
  int wal_pages_ = 0;
  Trouble trouble_ = Trouble::none;
};

/// Begins at once with the write lock. Rolled back unless committed.
class Transaction {
 public:
  explicit Transaction(Connection& connection) : connection_(connection) {}
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  ~Transaction();
  Result<void> begin();
  Result<void> commit();

 private:
  Connection& connection_;
  bool open_ = false;
};

}  // namespace retort
