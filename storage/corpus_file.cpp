#include "storage/corpus_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <optional>
#include <system_error>

#include "storage/file_system.h"
#include "storage/migrations.h"

namespace retort {
namespace {

/// The fields of SQLite's file header (https://www.sqlite.org/fileformat2.html#the_database_header) that say whose it
/// is.
struct Header {
  bool is_sqlite = false;
  std::int64_t user_version = 0;
  std::int64_t application_id = 0;
};

std::optional<Header> read_header(const std::string& place) {
  std::array<unsigned char, 100> bytes{};
  const int file = open(place.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return {};
  const ssize_t count = pread(file, bytes.data(), bytes.size(), 0);
  close(file);
  if (count != static_cast<ssize_t>(bytes.size())) return {};
  const auto number = [&](std::size_t at) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 4; ++i) value = value << 8 | bytes[at + i];
    return static_cast<std::int64_t>(static_cast<std::int32_t>(value));
  };
  return Header{std::memcmp(bytes.data(), "SQLite format 3", 16) == 0, number(60), number(68)};
}

// Reads the file's header without locks or recovery: another program's database must not change by a single byte.
Result<void> check_content(const std::string& place) {
  struct stat file {};
  if (stat(place.c_str(), &file) != 0) return fail(Errc::corpus, place + ": cannot be read: " + std::strerror(errno));
  if (file.st_size == 0) return {};
  const auto no_database = [&] {
    return fail(Errc::corpus, place + ": is no corpus (no SQLite database): name another file");
  };
  // The smallest page. SQLite itself takes a file of one byte for an empty database.
  if (file.st_size < 512) return no_database();
  // Our own is known by bytes that no checkpoint changes: SQLite's unlocked reading would now and then meet one half
  // way and take a corpus that is being harvested for a broken file.
  const auto header = read_header(place);
  if (!header || !header->is_sqlite) return no_database();
  if (header->application_id == kApplicationId) return check_version(place, header->user_version, migrations());
  auto opened = Connection::open(place, Connection::Mode::immutable);
  if (!opened) return fail(opened.error());
  Connection& connection = **opened;
  const auto id = connection.number("PRAGMA application_id");
  if (!id) {
    if (connection.trouble() != Trouble::corrupt) return fail(id.error());
    return no_database();
  }
  const auto tables = connection.number("SELECT count(*) FROM sqlite_master");
  struct stat wal {};
  const bool has_wal = stat((place + "-wal").c_str(), &wal) == 0 && wal.st_size > 0;
  if (*id == 0 && tables && *tables == 0 && !has_wal) return {};
  return fail(Errc::corpus, place + ": is another program's SQLite database, not a corpus: name another file");
}

Result<std::string> real_place(const std::string& path) {
  if (path.empty() || path.find('\0') != std::string::npos)
    return fail(Errc::corpus, "the name of the corpus is empty");
  std::error_code error;
  auto real = std::filesystem::weakly_canonical(std::filesystem::absolute(path, error), error);
  // A link to what does not exist yet is no name of its own either: the lock would not be where others look for it.
  constexpr int kLinksMax = 40;
  for (int links = 0; !error && std::filesystem::is_symlink(real) && links < kLinksMax; ++links)
    real = std::filesystem::weakly_canonical(real.parent_path() / std::filesystem::read_symlink(real, error), error);
  if (error) return fail(Errc::corpus, path + ": cannot be reached: " + error.message());
  return real.string();
}

Result<bool> exists_as_file(const std::string& place) {
  struct stat file {};
  if (stat(place.c_str(), &file) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) return false;
    return fail(Errc::corpus, place + ": cannot be reached: " + std::strerror(errno));
  }
  if (S_ISDIR(file.st_mode)) return fail(Errc::corpus, place + ": is a directory: name a file in it");
  if (!S_ISREG(file.st_mode)) return fail(Errc::corpus, place + ": is no regular file: name another one");
  return true;
}

// Effective rights, as open() sees them; access() would ask for those of the real user.
bool may(const std::string& path, int mode) { return faccessat(AT_FDCWD, path.c_str(), mode, AT_EACCESS) == 0; }

}  // namespace

Result<std::string> place_for_writing(const std::string& path) {
  auto place = real_place(path);
  if (!place) return place;
  const auto exists = exists_as_file(*place);
  if (!exists) return fail(exists.error());
  const std::string folder = std::filesystem::path(*place).parent_path().string();
  struct stat parent {};
  if (stat(folder.c_str(), &parent) != 0 || !S_ISDIR(parent.st_mode))
    return fail(Errc::corpus, *place + ": there is no folder " + folder + ": make it first");
  if (auto local = check_local(folder, *place); !local) return fail(local.error());
  if (!may(folder, W_OK | X_OK))
    return fail(Errc::corpus, *place + ": cannot write in " + folder + " (" + std::strerror(errno) +
                                  "): name a file in a folder of your own");
  if (!*exists) return place;
  if (auto local = check_local(*place, *place); !local) return fail(local.error());
  if (!may(*place, R_OK | W_OK))
    return fail(Errc::corpus, *place + ": cannot be written (" + std::strerror(errno) + "): change its permissions");
  if (auto ours = check_content(*place); !ours) return fail(ours.error());
  return place;
}

Result<std::string> place_for_reading(const std::string& path) {
  auto place = real_place(path);
  if (!place) return place;
  const auto exists = exists_as_file(*place);
  if (!exists) return fail(exists.error());
  if (!*exists) return fail(Errc::usage, path + ": no such corpus: retort harvest makes one");
  if (auto local = check_local(*place, *place); !local) return fail(local.error());
  if (!may(*place, R_OK)) return fail(Errc::corpus, *place + ": cannot be read: " + std::strerror(errno));
  struct stat file {};
  if (stat(place->c_str(), &file) == 0 && file.st_size == 0)
    return fail(Errc::corpus, *place + ": is an empty file, not a corpus: retort harvest makes one");
  if (auto ours = check_content(*place); !ours) return fail(ours.error());
  return place;
}

Result<std::unique_ptr<Connection>> open_for_writing(const std::string& place) {
  auto opened = Connection::open(place, Connection::Mode::create);
  if (!opened) return opened;
  Connection& connection = **opened;
  // The schema's lists of words guard against other hands. Ours are enumerators, and SQLite builds a temporary table
  // for each list in each statement, which would be a tenth of a harvest's whole cost.
  if (auto set = connection.script("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA cache_size = -16384; "
                                   "PRAGMA ignore_check_constraints = ON;");
      !set)
    return fail(set.error());
  // The schema is made before the switch to WAL, so that the header of the file itself always says whose it is.
  if (auto done = migrate(connection, migrations()); !done) return fail(done.error());
  if (auto done = connection.script("PRAGMA journal_mode = WAL;"); !done) return fail(done.error());
  return opened;
}

namespace {

bool has_wal(const std::string& place) {
  struct stat wal {};
  return stat((place + "-wal").c_str(), &wal) == 0 && wal.st_size > 0;
}

struct Opened {
  std::unique_ptr<Connection> connection;
  std::int64_t version = 0;
};

// Opened for writing, because readers of a WAL share memory and the last one to leave tidies up after a crash.
Result<Opened> open_and_ask_version(const std::string& place) {
  auto opened = Connection::open(place, Connection::Mode::write);
  if (!opened) return fail(opened.error());
  auto version = (*opened)->number("PRAGMA user_version");
  if (!version && (*opened)->trouble() == Trouble::other) {
    // A write-protected folder: nobody can be writing there, unless a WAL says so.
    if (has_wal(place)) return fail(version.error());
    opened = Connection::open(place, Connection::Mode::immutable);
    if (!opened) return fail(opened.error());
    version = (*opened)->number("PRAGMA user_version");
  }
  if (!version) return fail(version.error());
  if (auto known = check_version(**opened, migrations()); !known) return fail(known.error());
  return Opened{std::move(*opened), *version};
}

}  // namespace

Result<std::unique_ptr<Connection>> open_for_reading(const std::string& place) {
  auto opened = open_and_ask_version(place);
  if (!opened) return fail(opened.error());
  Connection& connection = *opened->connection;
  if (opened->version < migrations().back().version) {
    if (auto done = migrate(connection, migrations()); !done)
      return fail(Errc::corpus, place +
                                    ": is of an older version and could not be brought up to date: copy it to "
                                    "where you may write (" +
                                    done.error().message + ")");
  }
  if (auto done = connection.script("PRAGMA query_only = ON; PRAGMA cache_size = -16384;"); !done)
    return fail(done.error());
  return std::move(opened->connection);
}

Result<std::unique_ptr<Connection>> open_untouched(const std::string& place) {
  const bool left_by_a_crash = has_wal(place);
  auto opened = open_and_ask_version(place);
  if (!opened) return fail(opened.error());
  Connection& connection = *opened->connection;
  if (left_by_a_crash) connection.leave_wal_on_close();
  // What checks ask of the newest version is answered for older ones too: nothing was forgotten there, every response
  // was an answer, and none had log probabilities.
  std::string stand_ins =
      "PRAGMA temp_store = MEMORY; CREATE TEMP VIEW answer AS SELECT id, request_id, attempt_id FROM "
      "main.response";
  stand_ins += opened->version < 4 ? ";" : " WHERE NOT partial AND invalid IS NULL;";
  if (opened->version < 3) stand_ins += "CREATE TEMP TABLE tombstone (prompt_id INTEGER PRIMARY KEY);";
  if (opened->version < 4)
    stand_ins += "CREATE TEMP TABLE logprobs (response_id INTEGER PRIMARY KEY, tokens, bytes, body);";
  if (auto done = connection.script(stand_ins.c_str()); !done) return fail(done.error());
  if (auto done = connection.script("PRAGMA query_only = ON; PRAGMA cache_size = -16384;"); !done)
    return fail(done.error());
  return std::move(opened->connection);
}

}  // namespace retort
