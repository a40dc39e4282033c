#include "storage/curation_log.h"

#include "core/base/text.h"
#include "storage/corpus_file.h"
#include "storage/runs.h"
#include "storage/sqlite_corpora.h"

namespace retort {
namespace {

// Runs `work` in a transaction of its own.
template <class Work>
Result<void> in_transaction(Connection& connection, const Work& work) {
  Transaction transaction(connection);
  if (auto done = transaction.begin(); !done) return done;
  if (auto done = work(); !done) return done;
  return transaction.commit();
}

}  // namespace

Result<RowId> SqliteCurationLog::stage(const StageRecord& stage) {
  if (auto done = connection_->run(
          "INSERT INTO stage (digest, name, settings) VALUES (?, ?, ?) ON CONFLICT (digest) DO NOTHING", stage.digest,
          stage.name, dump_json(stage.settings));
      !done) {
    return fail(done.error());
  }
  Rows found = connection_->query("SELECT id FROM stage WHERE digest = ?", stage.digest);
  const RowId id = found.next() ? found.integer(0) : 0;
  if (auto done = found.status(); !done) return fail(done.error());
  return id;
}

Result<std::vector<StoredLabel>> SqliteCurationLog::labels(RowId stage, RowId first, RowId last) {
  std::vector<StoredLabel> labels;
  Rows rows = connection_->query(
      "SELECT response_id, input, value, score, reason FROM label "
      "WHERE stage_id = ? AND response_id BETWEEN ? AND ? ORDER BY response_id",
      stage, first, last);
  while (rows.next()) {
    labels.push_back({rows.integer(0), rows.text(1), rows.text(2),
                      rows.is_null(3) ? std::nullopt : std::optional(rows.real(3)), rows.text(4)});
  }
  if (auto done = rows.status(); !done) return fail(done.error());
  return labels;
}

Result<void> SqliteCurationLog::put(std::span<const std::pair<RowId, StoredLabel>> labels) {
  return in_transaction(*connection_, [&]() -> Result<void> {
    for (const auto& [stage, label] : labels) {
      if (auto done = connection_->run(
              "INSERT INTO label (stage_id, response_id, input, value, score, reason) VALUES (?, ?, ?, ?, ?, ?) "
              "ON CONFLICT (stage_id, response_id) DO UPDATE SET input = excluded.input, value = excluded.value, "
              "score = excluded.score, reason = excluded.reason",
              stage, label.response, label.input, label.value, label.score, to_valid_utf8(label.reason));
          !done) {
        return done;
      }
    }
    return {};
  });
}

Result<void> SqliteCurationLog::clear_unfinished_views() {
  for (const char* sql : {"DELETE FROM view_pair WHERE view_id IN (SELECT id FROM \"view\" WHERE digest IS NULL)",
                          "DELETE FROM view_drop WHERE view_id IN (SELECT id FROM \"view\" WHERE digest IS NULL)",
                          "DELETE FROM \"view\" WHERE digest IS NULL"}) {
    if (auto done = connection_->run(sql); !done) return done;
  }
  return {};
}

Result<RowId> SqliteCurationLog::begin_view(const ViewRecord& view) {
  RowId id = 0;
  auto done = in_transaction(*connection_, [&]() -> Result<void> {
    if (auto cleared = clear_unfinished_views(); !cleared) return cleared;
    if (auto added = connection_->run("INSERT INTO \"view\" (name, recipe, frozen_at, run_id) VALUES (?, ?, ?, ?)",
                                      view.name, dump_json(view.recipe), view.frozen_at, run_);
        !added) {
      return added;
    }
    id = connection_->last_insert_id();
    return {};
  });
  if (!done) return fail(done.error());
  return id;
}

Result<void> SqliteCurationLog::add(RowId view, std::int64_t first_position, std::span<const ViewEntry> entries) {
  return in_transaction(*connection_, [&]() -> Result<void> {
    std::int64_t position = first_position;
    for (const ViewEntry& entry : entries) {
      const auto rejected = entry.rejected == 0 ? std::nullopt : std::optional(entry.rejected);
      if (auto done = connection_->run("INSERT INTO view_pair (view_id, position, response_id, rejected_id, part) "
                                       "VALUES (?, ?, ?, ?, ?)",
                                       view, position++, entry.response, rejected, entry.part);
          !done) {
        return done;
      }
    }
    return {};
  });
}

Result<void> SqliteCurationLog::add(RowId view, std::span<const ViewDrop> drops) {
  return in_transaction(*connection_, [&]() -> Result<void> {
    for (const ViewDrop& drop : drops) {
      if (auto done = connection_->run("INSERT INTO view_drop (view_id, response_id, stage, reason) "
                                       "VALUES (?, ?, ?, ?)",
                                       view, drop.response, drop.stage, to_valid_utf8(drop.reason));
          !done) {
        return done;
      }
    }
    return {};
  });
}

Result<void> SqliteCurationLog::end_view(RowId view, const ViewRecord& record) {
  return connection_->run("UPDATE \"view\" SET funnel = ?, digest = ?, pairs = ?, parts = ?, made_at = ? WHERE id = ?",
                          dump_json(record.funnel), record.digest, record.pairs, dump_json(record.parts),
                          to_iso8601(clock_.wall()), view);
}

Result<void> SqliteCurationLog::put(std::span<const Want> wants) {
  return in_transaction(*connection_, [&]() -> Result<void> {
    if (auto done = connection_->run("DELETE FROM want"); !done) return done;
    for (const Want& want : wants) {
      if (auto done = connection_->run("INSERT INTO want (prompt_id, samples, priority, reason, run_id) "
                                       "VALUES (?, ?, ?, ?, ?)",
                                       want.prompt, want.samples, want.priority, want.reason, run_);
          !done) {
        return done;
      }
    }
    return {};
  });
}

Result<void> SqliteCurationLog::put(std::span<const MadePrompt> made) {
  return in_transaction(*connection_, [&]() -> Result<void> {
    for (const MadePrompt& one : made) {
      if (auto done = connection_->run("INSERT INTO made_prompt (digest, response_id, method, parents, run_id) "
                                       "VALUES (?, ?, ?, ?, ?) ON CONFLICT (digest, response_id) DO NOTHING",
                                       one.digest, one.response, one.method, dump_json(one.parents), run_);
          !done) {
        return done;
      }
    }
    return {};
  });
}

Result<void> SqliteCurationLog::close(const RunEnd& end) {
  return end_run(*connection_, run_, end, to_iso8601(clock_.wall()));
}

Result<std::unique_ptr<CurationLog>> SqliteCorpora::curate(const std::string& path, const RunStart& run) {
  if (const auto existing = place_for_reading(path); !existing) return fail(existing.error());
  const auto place = place_for_writing(path);
  if (!place) return fail(place.error());
  auto opened = open_for_writing(*place);
  if (!opened) return fail(opened.error());
  (*opened)->set_busy_timeout(60s);
  const auto id = add_run(**opened, run, std::nullopt, to_iso8601(clock_.wall()));
  if (!id) return fail(id.error());
  return std::unique_ptr<CurationLog>(std::make_unique<SqliteCurationLog>(std::move(*opened), clock_, *id));
}

}  // namespace retort
