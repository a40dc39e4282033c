#include "storage/connection.h"

#include <sqlite3.h>

#include <cerrno>
#include <cstring>

#include "storage/wal_buffer.h"

namespace retort {
namespace {

Trouble classify(int code, int system_errno) {
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return Trouble::busy;
    case SQLITE_FULL:
      return Trouble::disk_full;
    case SQLITE_IOERR:
      // A size limit or a quota comes as an I/O error, and is as curable as a full disk.
      return system_errno == ENOSPC || system_errno == EDQUOT || system_errno == EFBIG ? Trouble::disk_full
                                                                                       : Trouble::io;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return Trouble::corrupt;
    default:
      return Trouble::other;
  }
}

std::string uri_of(const std::string& path, const char* parameters) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string uri = path.starts_with('/') ? "file://" : "file:";
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= 0x20 || byte >= 0x7f || c == '%' || c == '?' || c == '#') {
      uri += '%';
      uri += kHex[byte >> 4];
      uri += kHex[byte & 15];
    } else {
      uri += c;
    }
  }
  return uri + parameters;
}

}  // namespace

Rows::Rows(Connection& connection, const char* sql) : connection_(&connection), statement_(nullptr), code_(SQLITE_OK) {
  statement_ = connection.prepared(sql, code_);
}

Rows::~Rows() {
  if (!statement_) return;
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

bool Rows::next() {
  if (code_ != SQLITE_OK) return false;
  errno = 0;  // SQLite tells an I/O error's cause only by leaving errno alone
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) {
    code_ = code;
    cause_ = errno;
    // Recorded here: a later rollback would overwrite what the handle knows of the cause.
    (void)connection_->failure(code, cause_);
  }
  return false;
}

Result<void> Rows::status() const {
  if (code_ == SQLITE_OK) return {};
  return connection_->failure(code_, cause_);
}

bool Rows::is_null(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }
std::int64_t Rows::integer(int column) const { return sqlite3_column_int64(statement_, column); }
double Rows::real(int column) const { return sqlite3_column_double(statement_, column); }

std::string Rows::text(int column) const {
  const bool is_blob = sqlite3_column_type(statement_, column) == SQLITE_BLOB;
  const void* bytes = is_blob ? sqlite3_column_blob(statement_, column) : sqlite3_column_text(statement_, column);
  const int size = sqlite3_column_bytes(statement_, column);
  return bytes ? std::string(static_cast<const char*>(bytes), static_cast<std::size_t>(size)) : std::string();
}

void Rows::bind(int index, std::nullptr_t, bool) {
  if (code_ == SQLITE_OK) code_ = sqlite3_bind_null(statement_, index);
}
void Rows::bind(int index, std::int64_t value, bool) {
  if (code_ == SQLITE_OK) code_ = sqlite3_bind_int64(statement_, index, value);
}
void Rows::bind(int index, double value, bool) {
  if (code_ == SQLITE_OK) code_ = sqlite3_bind_double(statement_, index, value);
}
void Rows::bind(int index, std::string_view text, bool copy) {
  if (code_ != SQLITE_OK) return;
  code_ = sqlite3_bind_text64(statement_, index, text.data() ? text.data() : "", text.size(),
                              copy ? SQLITE_TRANSIENT : SQLITE_STATIC, SQLITE_UTF8);
}
void Rows::bind(int index, Blob blob, bool copy) {
  if (code_ != SQLITE_OK) return;
  code_ = sqlite3_bind_blob64(statement_, index, blob.bytes.data() ? blob.bytes.data() : "", blob.bytes.size(),
                              copy ? SQLITE_TRANSIENT : SQLITE_STATIC);
}

Result<std::unique_ptr<Connection>> Connection::open(const std::string& path, Mode mode) {
  // SQLite's account of its own memory costs a lock at every allocation, and nobody reads it.
  [[maybe_unused]] static const int configured = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  std::unique_ptr<Connection> connection(new Connection(path));
  int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_URI;
  if (mode == Mode::create) flags |= SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  if (mode == Mode::write) flags |= SQLITE_OPEN_READWRITE;
  if (mode == Mode::immutable) flags |= SQLITE_OPEN_READONLY;
  // Always a URI: a plain name such as ":memory:" or "file:x" would mean something else to SQLite.
  const std::string uri = uri_of(path, mode == Mode::immutable ? "?immutable=1" : "");
  const char* vfs = mode == Mode::create ? wal_buffer_vfs() : nullptr;
  const int code = sqlite3_open_v2(uri.c_str(), &connection->handle_, flags, vfs);
  if (code != SQLITE_OK) return connection->failure(code, 0);
  sqlite3_extended_result_codes(connection->handle_, 1);
  connection->set_busy_timeout(10s);
  // A corpus may come from anywhere: its schema is not trusted to run anything, its pages are checked when read.
  if (auto done = connection->script("PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;"); !done)
    return fail(done.error());
  return connection;
}

Connection::~Connection() {
  for (const auto& [sql, statement] : statements_) sqlite3_finalize(statement);
  sqlite3_close(handle_);
}

sqlite3_stmt* Connection::prepared(const char* sql, int& code) {
  if (const auto found = statements_.find(sql); found != statements_.end()) {
    RETORT_ASSERT(!sqlite3_stmt_busy(found->second));
    return found->second;
  }
  sqlite3_stmt* statement = nullptr;
  code = sqlite3_prepare_v3(handle_, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) {
    (void)failure(code, 0);
    return nullptr;
  }
  statements_.emplace(sql, statement);
  return statement;
}

Failure Connection::failure(int code, int cause_errno) {
  const int known = handle_ ? sqlite3_system_errno(handle_) : 0;
  const int system_errno = known ? known : cause_errno;
  trouble_ = classify(code, system_errno);
  const std::string cause = handle_ ? sqlite3_errmsg(handle_) : sqlite3_errstr(code);
  switch (trouble_) {
    case Trouble::busy:
      return fail(Errc::corpus, path_ +
                                    ": another program holds a lock on the corpus: end it, or close its open "
                                    "transaction, and run the same command again");
    case Trouble::disk_full:
      return fail(Errc::disk, path_ + ": the disk is full (" + std::strerror(system_errno ? system_errno : ENOSPC) +
                                  "): make room and run the same command again");
    case Trouble::io:
      return fail(Errc::disk, path_ + ": the disk failed (" + cause +
                                  (system_errno ? std::string(", ") + std::strerror(system_errno) : "") +
                                  "): check the disk before running the same command again");
    case Trouble::corrupt:
      return fail(Errc::corpus, path_ + ": the corpus is damaged (" + cause +
                                    "): restore a copy, or save what is readable with sqlite3's .recover");
    default:
      return fail(Errc::corpus, path_ + ": the corpus cannot be used: " + cause +
                                    (known ? std::string(" (") + std::strerror(known) + ")" : ""));
  }
}

Result<void> Connection::script(const char* sql) {
  errno = 0;
  const int code = sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return failure(code, errno);
  return {};
}

Result<std::int64_t> Connection::number(const char* sql) {
  Rows rows = query(sql);
  const std::int64_t value = rows.next() ? rows.integer(0) : 0;
  if (auto done = rows.status(); !done) return fail(done.error());
  return value;
}

std::int64_t Connection::last_insert_id() const { return sqlite3_last_insert_rowid(handle_); }
int Connection::changes() const { return sqlite3_changes(handle_); }

void Connection::set_busy_timeout(Duration timeout) {
  sqlite3_busy_timeout(handle_,
                       static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(timeout).count()));
}

void Connection::checkpoint_by_hand() {
  // Replaces SQLite's own hook, which would swallow the errors of its checkpoints.
  const auto note_pages = [](void* self, sqlite3*, const char*, int pages) {
    static_cast<Connection*>(self)->wal_pages_ = pages;
    return SQLITE_OK;
  };
  sqlite3_wal_hook(handle_, note_pages, this);
}

Result<void> Connection::checkpoint(Checkpoint kind) {
  const int mode = kind == Checkpoint::truncate ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE;
  errno = 0;
  const int code = sqlite3_wal_checkpoint_v2(handle_, nullptr, mode, nullptr, nullptr);
  if (code == SQLITE_OK || (code & 0xff) == SQLITE_BUSY) return {};
  return failure(code, errno);
}

Result<void> Connection::copy_to(Connection& copy, const std::function<bool()>& stopped) {
  constexpr int kPagesAtOnce = 256;
  // One read transaction around all steps: without it, SQLite would begin anew whenever another program writes.
  if (auto begun = script("BEGIN; SELECT count(*) FROM sqlite_master;"); !begun) return begun;
  int code = SQLITE_ERROR;
  if (sqlite3_backup* backup = sqlite3_backup_init(copy.handle_, "main", handle_, "main")) {
    code = SQLITE_OK;
    errno = 0;
    while (code == SQLITE_OK && !stopped()) code = sqlite3_backup_step(backup, kPagesAtOnce);
    const int cause = errno;
    sqlite3_backup_finish(backup);
    errno = cause;
  }
  const int cause = errno;
  Result<void> done;
  if (code == SQLITE_OK) {
    done = fail(Errc::interrupted, "stopped by a signal: nothing was kept of the copy");
  } else if (code != SQLITE_DONE) {
    done = copy.failure(code, cause);
  }
  const Result<void> ended = script("COMMIT");
  return done ? ended : done;
}

void Connection::leave_wal_on_close() {
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, static_cast<int*>(nullptr));
}

Transaction::~Transaction() {
  // An error may have rolled back already; then there is nothing left to do.
  if (open_ && !sqlite3_get_autocommit(connection_.handle_)) (void)connection_.script("ROLLBACK");
}

Result<void> Transaction::begin() {
  connection_.trouble_ = Trouble::none;
  auto done = connection_.run("BEGIN IMMEDIATE");
  open_ = done.has_value();
  return done;
}

Result<void> Transaction::commit() {
  auto done = connection_.run("COMMIT");
  if (done) open_ = false;
  return done;
}

}  // namespace retort
