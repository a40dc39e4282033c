// Reading stored views: a page of places first, then what stands at each, so that no statement stays open for long.
#include <algorithm>

#include "storage/reader.h"

namespace retort {
namespace {

#define RETORT_VIEW_SQL "SELECT id, name, recipe, funnel, digest, frozen_at, pairs, parts, made_at FROM \"view\" "

ViewRecord record_of(const Rows& row) {
  ViewRecord record;
  record.id = row.integer(0);
  record.name = row.text(1);
  const auto json = [&](int column) {
    auto parsed = parse_json(row.text(column));
    return parsed ? std::move(*parsed) : Json::object();
  };
  record.recipe = json(2);
  record.funnel = json(3);
  record.digest = row.text(4);
  record.frozen_at = row.integer(5);
  record.pairs = row.integer(6);
  const Json parts = json(7);
  for (const auto& [part, count] : parts.items()) {
    if (count.is_number_integer()) record.parts[part] = count.get<std::int64_t>();
  }
  record.made_at = row.text(8);
  return record;
}

constexpr char kPlacesOfView[] =
    "SELECT position, response_id, coalesce(rejected_id, 0), part FROM view_pair "
    "WHERE view_id = ?1 AND position > ?2 AND (?3 = '' OR part = ?3) ORDER BY position LIMIT ?4";

// `all` with what was forgotten of it: a forgotten request names no answer any more, its newest one was it.
constexpr char kAllWithGraves[] =
    "SELECT r.id, r.id, 0, '' FROM response r JOIN request q ON q.id = r.request_id "
    "WHERE r.id > ?1 AND r.finish <> 'length' AND NOT r.partial AND r.invalid IS NULL AND q.role = '' AND "
    "q.status = 'answered' AND (q.response_id = r.id OR (q.response_id IS NULL AND r.id = "
    "  (SELECT max(response_id) FROM forgotten JOIN response newest ON newest.id = response_id "
    "   WHERE newest.request_id = q.id AND NOT newest.partial AND newest.invalid IS NULL))) "
    "ORDER BY r.id LIMIT ?2";

// Of a prompt, as its newest source row has it.
#define RETORT_FIELD(name)                                                                                          \
  "CASE WHEN " name                                                                                                 \
  " = '' THEN '' ELSE coalesce((SELECT e.value FROM source_row s, json_each(s.metadata) e "                         \
  "  WHERE s.id = (SELECT id FROM source_row WHERE prompt_id = q.prompt_id ORDER BY run_id DESC, id DESC LIMIT 1) " \
  "  AND e.key = " name "), '') END"

// With min() the reason comes from the row of the least response.
constexpr char kLabelCounts[] =
    "SELECT t.name, t.dialect, t.base_url, t.model, t.vendor, " RETORT_FIELD("?4") " AS one, " RETORT_FIELD("?5")
    " AS other, l.value, count(*), min(r.id), l.reason "
    "FROM label l JOIN response r ON r.id = l.response_id JOIN request q ON q.id = r.request_id "
    "JOIN teacher t ON t.id = r.teacher_id "
    "WHERE l.stage_id = (SELECT id FROM stage WHERE digest = ?1) AND l.response_id <= ?2 AND CASE WHEN ?3 = 0 "
    "  THEN q.response_id = r.id AND q.status = 'answered' AND r.finish <> 'length' AND NOT r.partial "
    "    AND r.invalid IS NULL AND q.role = '' "
    "  ELSE r.id IN (SELECT response_id FROM view_pair WHERE view_id = ?3) END "
    "GROUP BY t.id, one, other, l.value ORDER BY t.name, t.id, one, other, l.value";
#undef RETORT_FIELD

struct Place {
  std::int64_t position;
  RowId response, rejected;
  std::string part;
};

}  // namespace

Result<std::optional<ViewRecord>> SqliteReader::view(const std::string& name) {
  Rows rows =
      connection_->query(RETORT_VIEW_SQL "WHERE name = ? AND digest IS NOT NULL ORDER BY id DESC LIMIT 1", name);
  std::optional<ViewRecord> record;
  if (rows.next()) record = record_of(rows);
  if (auto done = rows.status(); !done) return fail(done.error());
  return record;
}

Result<std::optional<ViewRecord>> SqliteReader::view_of_digest(const std::string& name, const std::string& digest) {
  Rows rows =
      connection_->query(RETORT_VIEW_SQL "WHERE name = ? AND digest = ? ORDER BY id DESC LIMIT 1", name, digest);
  std::optional<ViewRecord> record;
  if (rows.next()) record = record_of(rows);
  if (auto done = rows.status(); !done) return fail(done.error());
  return record;
}

Result<std::vector<ViewRecord>> SqliteReader::views() {
  std::vector<ViewRecord> records;
  Rows rows = connection_->query(RETORT_VIEW_SQL
                                 "WHERE id IN (SELECT max(id) FROM \"view\" WHERE digest IS NOT NULL GROUP BY name) "
                                 "ORDER BY name");
  while (rows.next()) records.push_back(record_of(rows));
  if (auto done = rows.status(); !done) return fail(done.error());
  return records;
}

Result<std::vector<ViewPair>> SqliteReader::view_pairs_after(RowId view, std::int64_t after, const std::string& part,
                                                             std::size_t limit) {
  std::vector<Place> places;
  {
    const auto most = static_cast<std::int64_t>(std::min<std::size_t>(limit, INT64_MAX));
    Rows rows = view == 0 ? connection_->query(kAllWithGraves, after, most)
                          : connection_->query(kPlacesOfView, view, after, part, most);
    while (rows.next()) places.push_back({rows.integer(0), rows.integer(1), rows.integer(2), rows.text(3)});
    if (auto done = rows.status(); !done) return fail(done.error());
  }
  std::vector<ViewPair> pairs;
  for (const Place& place : places) {
    ViewPair entry;
    entry.position = place.position;
    entry.part = place.part;
    RowId rejected_tombstone = 0;
    auto pair = pair_or_grave(place.response, entry.content, entry.tombstone);
    if (!pair) return fail(pair.error());
    entry.pair = std::move(*pair);
    if (place.rejected != 0) {
      auto rejected = pair_or_grave(place.rejected, entry.rejected_content, rejected_tombstone);
      if (!rejected) return fail(rejected.error());
      entry.rejected = std::move(*rejected);
    }
    if (entry.tombstone == 0 || (rejected_tombstone != 0 && rejected_tombstone < entry.tombstone))
      entry.tombstone = rejected_tombstone;
    entry.forgotten = !entry.content.empty() || !entry.rejected_content.empty();
    pairs.push_back(std::move(entry));
  }
  return pairs;
}

Result<RowId> SqliteReader::newest_tombstone() {
  return connection_->number("SELECT coalesce(max(id), 0) FROM tombstone");
}

Result<std::vector<std::pair<RowId, int>>> SqliteReader::samples_after(RowId prompt, std::size_t limit) {
  std::vector<std::pair<RowId, int>> samples;
  Rows rows = connection_->query(
      "SELECT prompt_id, count(*) FILTER (WHERE status <> 'pending' OR batch_id IS NOT NULL) FROM request "
      "WHERE prompt_id > ? GROUP BY prompt_id ORDER BY prompt_id LIMIT ?",
      prompt, static_cast<std::int64_t>(std::min<std::size_t>(limit, INT64_MAX)));
  while (rows.next()) samples.emplace_back(rows.integer(0), static_cast<int>(rows.integer(1)));
  if (auto done = rows.status(); !done) return fail(done.error());
  return samples;
}

Result<std::optional<ViewDrop>> SqliteReader::dropped(RowId view, RowId response) {
  Rows rows =
      connection_->query("SELECT stage, reason FROM view_drop WHERE view_id = ? AND response_id = ?", view, response);
  std::optional<ViewDrop> drop;
  if (rows.next()) drop = ViewDrop{response, rows.text(0), rows.text(1)};
  if (auto done = rows.status(); !done) return fail(done.error());
  return drop;
}

Result<std::vector<LabelCount>> SqliteReader::label_counts(const LabelsWanted& wanted) {
  std::vector<LabelCount> counts;
  Rows rows = connection_->look_up(kLabelCounts, wanted.stage, wanted.frozen_at, wanted.view, wanted.fields[0],
                                   wanted.fields[1]);
  while (rows.next()) {
    counts.push_back({{rows.text(0), rows.text(1), rows.text(2), rows.text(3), rows.text(4)},
                      {rows.text(5), rows.text(6)},
                      rows.text(7),
                      rows.integer(8),
                      rows.integer(9),
                      rows.text(10)});
  }
  if (auto done = rows.status(); !done) return fail(done.error());
  return counts;
}

}  // namespace retort
