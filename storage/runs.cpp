#include "storage/runs.h"

#include "core/base/text.h"
#include "storage/values.h"

namespace retort {

Result<RowId> add_run(Connection& connection, const RunStart& run, std::optional<RowId> teacher,
                      const std::string& now) {
  if (auto done =
          connection.run("INSERT INTO run (command, arguments, version, host, configuration, teacher_id, state, "
                         "began_at) VALUES (?, ?, ?, ?, ?, ?, 'running', ?)",
                         run.command, to_valid_utf8(run.arguments), run.version, to_valid_utf8(run.host),
                         dump_json(run.configuration), teacher, now);
      !done) {
    return fail(done.error());
  }
  return connection.last_insert_id();
}

Result<void> end_run(Connection& connection, RowId run, const RunEnd& end, const std::string& now) {
  return connection.run(
      "UPDATE run SET state = 'ended', ended_at = ?, exit_code = ?, cost_usd = ?, summary = ? WHERE id = ?", now,
      end.exit_code, dollars_of(end.cost), json_or_null(end.summary), run);
}

}  // namespace retort
