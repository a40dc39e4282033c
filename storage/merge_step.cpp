#include "storage/merge_step.h"

#include <algorithm>
#include <array>

#include "core/base/text.h"
#include "storage/forget.h"

namespace retort {
namespace {

// Old id → new id, by table. `fresh` is 1 for rows that the target did not have.
constexpr std::array kMapped = {"terms",   "teacher", "run",      "prompt", "request",
                                "attempt", "batch",   "response", "stage"};

bool is_mapped(const std::string& table) { return std::find(kMapped.begin(), kMapped.end(), table) != kMapped.end(); }

std::string new_id(const std::string& table, const std::string& old) {
  return "(SELECT new FROM temp.map_" + table + " WHERE old = " + old + ")";
}

// The same terms, a NULL being like a NULL.
constexpr char kSameTerms[] =
    "mine.licence = one.licence AND mine.terms_url = one.terms_url AND mine.terms_checked = one.terms_checked AND "
    "mine.conditions = one.conditions AND mine.outputs_may_train IS one.outputs_may_train";
constexpr char kSameRun[] =
    "mine.began_at = one.began_at AND mine.command = one.command AND mine.host = one.host AND mine.arguments = "
    "one.arguments AND mine.version = one.version";

}  // namespace

Result<void> MergeStep::script(std::string sql) {
  if (order_.stopped()) return fail(Errc::interrupted, "stopped by a signal: nothing was merged");
  for (std::size_t at = 0; (at = sql.find('@', at)) != std::string::npos; at += schema_.size())
    sql.replace(at, 1, schema_);
  return connection_.script(sql.c_str());
}

Result<std::int64_t> MergeStep::number(std::string sql) {
  // Through a table, since a statement of one's own words cannot be kept prepared.
  if (auto done = script("DELETE FROM temp.answer; INSERT INTO temp.answer " + std::move(sql)); !done)
    return fail(done.error());
  return connection_.number("SELECT value FROM temp.answer");
}

Result<void> MergeStep::copy(const std::string& table, const std::string& from,
                             const std::vector<std::pair<std::string, std::string>>& changes,
                             const std::string& conflict) {
  std::vector<std::pair<std::string, std::string>> references;
  {
    Rows rows = connection_.query("SELECT \"from\", \"table\" FROM pragma_foreign_key_list(?)", table);
    while (rows.next()) references.emplace_back(rows.text(0), rows.text(1));
    if (auto done = rows.status(); !done) return done;
  }
  std::string columns, values;
  Rows rows = connection_.query("SELECT name FROM pragma_table_info(?)", table);
  while (rows.next()) {
    const std::string name = rows.text(0);
    std::string value = "one.\"" + name + "\"";
    const auto is_it = [&name](const auto& one) { return one.first == name; };
    const auto reference = std::find_if(references.begin(), references.end(), is_it);
    if (const auto change = std::find_if(changes.begin(), changes.end(), is_it); change != changes.end()) {
      value = change->second;
    } else if (reference != references.end()) {
      // An id of the source means another row here.
      if (!is_mapped(reference->second))
        return fail(Errc::internal, "merging does not know what " + table + "." + name + " refers to");
      value = new_id(reference->second, value);
    }
    columns += (columns.empty() ? "\"" : ", \"") + name + "\"";
    values += (values.empty() ? "" : ", ") + value;
  }
  if (auto done = rows.status(); !done) return done;
  return script("INSERT " + conflict + " INTO main.\"" + table + "\" (" + columns + ") SELECT " + values + " FROM " +
                from);
}

Result<MergedSource> MergeStep::run(RowId run) {
  for (auto step :
       {&MergeStep::begin, &MergeStep::map_by_content, &MergeStep::map_batches, &MergeStep::map_prompts,
        &MergeStep::map_requests, &MergeStep::add_samples, &MergeStep::map_attempts, &MergeStep::map_responses,
        &MergeStep::point_requests, &MergeStep::copy_leaves, &MergeStep::count}) {
    if (auto done = (this->*step)(); !done) return fail(done.error());
  }
  // What the source had forgotten and the target had not.
  std::vector<RowId> prompts;
  {
    Rows rows = connection_.query("SELECT new FROM temp.to_forget ORDER BY new");
    while (rows.next()) prompts.push_back(rows.integer(0));
    if (auto done = rows.status(); !done) return fail(done.error());
  }
  if (!prompts.empty()) {
    const auto gone = forget_prompts(connection_, prompts, "forgotten in a corpus that was merged", run, now_);
    if (!gone) return fail(gone.error());
  }
  return merged_;
}

Result<void> MergeStep::begin() {
  std::string sql =
      "DROP TABLE IF EXISTS temp.answer; CREATE TEMP TABLE answer (value INTEGER); DROP TABLE IF EXISTS "
      "temp.to_forget; CREATE TEMP TABLE to_forget (new INTEGER PRIMARY KEY); DROP TABLE IF EXISTS temp.skipped; "
      "CREATE "
      "TEMP TABLE skipped (old INTEGER PRIMARY KEY);";
  for (const std::string table : kMapped) {
    sql += "DROP TABLE IF EXISTS temp.map_" + table + "; CREATE TEMP TABLE map_" + table +
           " (old INTEGER PRIMARY KEY, new INTEGER, fresh INTEGER);";
  }
  return script(sql);
}

Result<void> MergeStep::map_by_content() {
  if (auto done = copy("terms", "@.terms one", {{"id", "NULL"}}, "OR IGNORE"); !done) return done;
  if (auto done = script(std::string("INSERT INTO temp.map_terms SELECT one.id, min(mine.id), 0 FROM @.terms one JOIN "
                                     "main.terms mine ON ") +
                         kSameTerms + " GROUP BY one.id");
      !done) {
    return done;
  }
  // A profile's terms as last stated stay those of the target: a merge states nothing.
  if (auto done = copy("teacher", "@.teacher one", {{"id", "NULL"}}, "OR IGNORE"); !done) return done;
  if (auto done = script("INSERT INTO temp.map_teacher SELECT one.id, mine.id, 0 FROM @.teacher one JOIN main.teacher "
                         "mine USING (name, dialect, base_url, model, vendor)");
      !done) {
    return done;
  }
  // A run that has no end is one that crashed: nobody is writing to the source.
  if (auto done = copy("run",
                       std::string("@.run one WHERE NOT EXISTS (SELECT 1 FROM main.run mine WHERE ") + kSameRun +
                           ") ORDER BY one.id",
                       {{"id", "NULL"}, {"state", "CASE one.state WHEN 'running' THEN 'crashed' ELSE one.state END"}});
      !done) {
    return done;
  }
  if (auto done = script(std::string("INSERT INTO temp.map_run SELECT one.id, min(mine.id), 0 FROM @.run one JOIN "
                                     "main.run mine ON ") +
                         kSameRun + " GROUP BY one.id");
      !done) {
    return done;
  }
  if (auto done = copy("stage", "@.stage one", {{"id", "NULL"}}, "OR IGNORE"); !done) return done;
  return script(
      "INSERT INTO temp.map_stage SELECT one.id, mine.id, 0 FROM @.stage one JOIN main.stage mine USING "
      "(digest)");
}

// Those that are over: what became of one under way is known to its corpus alone, and was asked for before (merge.cpp).
Result<void> MergeStep::map_batches() {
  if (auto done =
          copy("batch", "@.batch one WHERE one.state = 'collected' ORDER BY one.id", {{"id", "NULL"}}, "OR IGNORE");
      !done) {
    return done;
  }
  return script(
      "INSERT INTO temp.map_batch SELECT one.id, mine.id, 0 FROM @.batch one JOIN main.batch mine USING (key) WHERE "
      "one.state = 'collected'");
}

Result<void> MergeStep::map_attempts() {
  // What a clean stop left unsent was never sent, nor what a batch held that was only being put together.
  constexpr char kTheirs[] =
      "@.attempt one JOIN temp.map_request request ON request.old = one.request_id JOIN temp.map_run run ON run.old = "
      "one.run_id JOIN @.run theirs ON theirs.id = one.run_id AND NOT (one.outcome = 'unsent' AND (theirs.state = "
      "'ended' OR one.batch_id IN (SELECT id FROM @.batch WHERE state = 'planned')))";
  constexpr char kSame[] =
      "main.attempt mine ON mine.request_id = request.new AND mine.run_id = run.new AND mine.begun_at = one.begun_at";
  // A copy that was made midway knows less of an attempt than the one that went on.
  if (auto done = script(std::string("DELETE FROM main.attempt WHERE id IN (SELECT mine.id FROM ") + kTheirs +
                         " JOIN " + kSame +
                         " WHERE mine.outcome IN ('unsent', 'sent', 'delivery_unknown') AND one.outcome NOT IN "
                         "('unsent', 'sent', 'delivery_unknown') AND NOT EXISTS (SELECT 1 FROM main.response WHERE "
                         "response.attempt_id = mine.id) AND NOT EXISTS (SELECT 1 FROM main.raw WHERE raw.attempt_id = "
                         "mine.id))");
      !done) {
    return done;
  }
  if (auto done = script(std::string("INSERT INTO temp.map_attempt SELECT one.id, min(mine.id), 0 FROM ") + kTheirs +
                         " JOIN " + kSame + " GROUP BY one.id");
      !done) {
    return done;
  }
  if (auto done = script(
          std::string("INSERT INTO temp.map_attempt SELECT one.id, (SELECT max(coalesce((SELECT max(id) FROM "
                      "main.attempt), 0), coalesce((SELECT seq FROM main.sqlite_sequence WHERE name = 'attempt'), 0))) "
                      "+ row_number() OVER (ORDER BY one.id), 1 FROM ") +
          kTheirs + " WHERE one.id NOT IN (SELECT old FROM temp.map_attempt)");
      !done) {
    return done;
  }
  return copy("attempt", "@.attempt one JOIN temp.map_attempt map ON map.old = one.id AND map.fresh ORDER BY map.new",
              {{"id", "map.new"},
               {"outcome", "CASE WHEN one.outcome IN ('unsent', 'sent') THEN 'delivery_unknown' ELSE one.outcome END"},
               {"possibly_billed", "one.possibly_billed OR one.outcome IN ('unsent', 'sent')"},
               {"also_for",
                "CASE WHEN one.also_for IS NOT NULL THEN (SELECT json_group_array(served.new) FROM "
                "json_each(one.also_for) other JOIN temp.map_request served ON served.old = other.value) END"}});
}

Result<void> MergeStep::map_responses() {
  constexpr char kTheirs[] =
      "@.response one JOIN temp.map_attempt attempt ON attempt.old = one.attempt_id JOIN temp.map_request request ON "
      "request.old = one.request_id";
  if (auto done = script(std::string("INSERT INTO temp.map_response SELECT one.id, mine.id, 0 FROM ") + kTheirs +
                         " JOIN main.response mine ON mine.attempt_id = attempt.new AND mine.request_id = request.new");
      !done) {
    return done;
  }
  if (auto done = script(
          std::string("INSERT INTO temp.map_response SELECT one.id, (SELECT max(coalesce((SELECT max(id) FROM "
                      "main.response), 0), coalesce((SELECT seq FROM main.sqlite_sequence WHERE name = 'response'), "
                      "0))) + row_number() OVER (ORDER BY one.id), 1 FROM ") +
          kTheirs + " WHERE one.id NOT IN (SELECT old FROM temp.map_response)");
      !done) {
    return done;
  }
  // Terms as they hold for it there: an amendment counts up to a response, and numbers are others here.
  return copy("response",
              "@.response one JOIN temp.map_response map ON map.old = one.id AND map.fresh ORDER BY map.new",
              {{"id", "map.new"},
               {"terms_id", new_id("terms",
                                   "coalesce((SELECT terms_id FROM @.amendment WHERE amendment.teacher_id = "
                                   "one.teacher_id AND up_to >= one.id ORDER BY id DESC LIMIT 1), one.terms_id)")}});
}

Result<void> MergeStep::copy_leaves() {
  if (auto done = copy("source_row", "@.source_row one JOIN temp.map_prompt map ON map.old = one.prompt_id",
                       {{"id", "NULL"}}, "OR IGNORE");
      !done) {
    return done;
  }
  struct Leaf {
    const char *table, *parent, *key;
  };
  for (const Leaf& leaf : {Leaf{"raw", "attempt", "attempt_id"}, Leaf{"redecoded", "attempt", "attempt_id"},
                           Leaf{"logprobs", "response", "response_id"}, Leaf{"label", "response", "response_id"},
                           Leaf{"tombstone", "prompt", "prompt_id"}}) {
    const std::string from = "@." + std::string(leaf.table) + " one JOIN temp.map_" + leaf.parent +
                             " map ON map.old = one." + leaf.key + " AND map.fresh";
    const bool numbered = std::string(leaf.table) == "redecoded" || std::string(leaf.table) == "tombstone";
    using Changes = std::vector<std::pair<std::string, std::string>>;
    if (auto done = copy(leaf.table, from, numbered ? Changes{{"id", "NULL"}} : Changes{}); !done) return done;
  }
  if (auto done = copy("forgotten",
                       "@.forgotten one JOIN temp.map_response map ON map.old = one.response_id AND map.fresh JOIN "
                       "@.tombstone theirs ON theirs.id = one.tombstone_id JOIN temp.map_prompt place ON place.old = "
                       "theirs.prompt_id JOIN main.tombstone grave ON grave.prompt_id = place.new",
                       {{"tombstone_id", "grave.id"}});
      !done) {
    return done;
  }
  if (auto done = copy("made_prompt", "@.made_prompt one JOIN temp.map_response map ON map.old = one.response_id",
                       {{"id", "NULL"}}, "OR IGNORE");
      !done) {
    return done;
  }
  // Who amended terms, and why, stays to be read; what they say stands on the responses already.
  return copy("amendment",
              "@.amendment one WHERE NOT EXISTS (SELECT 1 FROM main.amendment mine WHERE mine.at = one.at AND "
              "mine.statement = one.statement AND mine.teacher_id = " +
                  new_id("teacher", "one.teacher_id") + ")",
              {{"id", "NULL"}, {"up_to", "0"}});
}

Result<void> MergeStep::count() {
  struct Count {
    const char* sql;
    std::int64_t* into;
  };
  for (const Count& one : {Count{"SELECT count(*) FROM temp.map_prompt WHERE fresh", &merged_.prompts},
                           Count{"SELECT count(*) FROM temp.map_request WHERE fresh", &merged_.requests},
                           Count{"SELECT count(*) FROM temp.map_attempt WHERE fresh", &merged_.attempts},
                           Count{"SELECT count(*) FROM temp.map_response WHERE fresh", &merged_.responses},
                           Count{"SELECT count(*) FROM temp.map_response WHERE NOT fresh", &merged_.known},
                           Count{"SELECT count(*) FROM temp.skipped", &merged_.forgotten}}) {
    const auto found = connection_.number(one.sql);
    if (!found) return fail(found.error());
    *one.into = *found;
  }
  if (auto done = script("DROP TABLE IF EXISTS temp.statements; CREATE TEMP TABLE statements AS SELECT DISTINCT kind, "
                         "statement FROM @.permission");
      !done) {
    return done;
  }
  Rows rows = connection_.query("SELECT kind, statement FROM temp.statements ORDER BY 1, 2");
  while (rows.next()) merged_.statements.push_back({rows.text(0), rows.text(1)});
  return rows.status();
}

}  // namespace retort
