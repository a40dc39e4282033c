#include "storage/migrations.h"

#include <array>
#include <string>

#include "storage/migrations_1_to_4.h"
#include "storage/migrations_5_on.h"

namespace retort {
namespace {

constexpr std::array kMigrations{Migration{1, "initial", kInitialSql},
                                 Migration{2, "reservations", kReservationsSql},
                                 Migration{3, "tombstones", kTombstonesSql},
                                 Migration{4, "curation", kCurationSql},
                                 Migration{5, "everything kept", kEverythingKeptSql},
                                 Migration{6, "batches", kBatchesSql},
                                 Migration{7, "endpoints", kEndpointsSql},
                                 Migration{8, "roles", kRolesSql},
                                 Migration{9, "terms in force", kTermsInForceSql}};

}  // namespace

std::span<const Migration> migrations() { return kMigrations; }

Result<void> check_version(Connection& connection, std::span<const Migration> steps) {
  const auto version = connection.number("PRAGMA user_version");
  if (!version) return fail(version.error());
  return check_version(connection.path(), *version, steps);
}

Result<void> check_version(const std::string& place, std::int64_t version, std::span<const Migration> steps) {
  const int newest = steps.back().version;
  if (version >= 0 && version <= newest) return {};
  return fail(Errc::corpus, place + ": made by a newer retort (corpus version " + std::to_string(version) +
                                ", this one knows up to " + std::to_string(newest) + "): update retort");
}

Result<void> migrate(Connection& connection, std::span<const Migration> steps) {
  if (auto known = check_version(connection, steps); !known) return known;
  // Asked without a lock first: an up-to-date corpus must open while another program writes.
  auto version = connection.number("PRAGMA user_version");
  if (!version) return fail(version.error());
  if (*version == steps.back().version) return {};

  Transaction transaction(connection);
  if (auto done = transaction.begin(); !done) return done;
  version = connection.number("PRAGMA user_version");
  if (!version) return fail(version.error());
  for (const Migration& step : steps) {
    if (step.version <= *version) continue;
    const std::string stamp = "PRAGMA user_version = " + std::to_string(step.version) +
                              "; PRAGMA application_id = " + std::to_string(kApplicationId) + ";";
    if (auto done = connection.script(step.sql); !done) return done;
    if (auto done = connection.script(stamp.c_str()); !done) return done;
  }
  return transaction.commit();
}

}  // namespace retort
