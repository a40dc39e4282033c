// Reading the list of runs with what each of them cost.
#include "storage/reader.h"
#include "storage/values.h"

namespace retort {

Result<std::vector<RunRecord>> SqliteReader::runs() {
  std::vector<RunRecord> records;
  Rows rows = connection_->query(
      "SELECT run.id, run.command, coalesce(teacher.name, ''), run.state, run.began_at, coalesce(run.ended_at, ''), "
      "run.summary, count(a.id), coalesce(sum(a.outcome = 'answered'), 0), "
      "coalesce(sum(r.finish = 'length'), 0), coalesce(sum(r.finish = 'refusal' OR r.refusal <> ''), 0), "
      "coalesce(sum(a.outcome IN ('failed', 'network', 'timed_out', 'cancelled')), 0), "
      "coalesce(sum(a.outcome = 'delivery_unknown'), 0), coalesce(sum(r.input_tokens), 0), "
      "coalesce(sum(r.output_tokens), 0), coalesce(sum(a.cost_usd), 0), "
      "coalesce(sum(CASE WHEN a.possibly_billed THEN a.reserved_usd END), 0), "
      "coalesce(sum(CASE WHEN r.finish = 'length' THEN a.cost_usd END), 0) "
      "FROM run LEFT JOIN teacher ON teacher.id = run.teacher_id LEFT JOIN attempt a ON a.run_id = run.id "
      "LEFT JOIN response r ON r.id = (SELECT min(id) FROM response WHERE attempt_id = a.id) "
      "GROUP BY run.id ORDER BY run.id");
  while (rows.next()) {
    RunRecord run;
    run.id = rows.integer(0);
    run.command = rows.text(1);
    run.teacher = rows.text(2);
    run.state = rows.text(3);
    run.began_at = rows.text(4);
    run.ended_at = rows.text(5);
    if (auto summary = parse_json(rows.text(6))) run.summary = std::move(*summary);
    run.attempts = rows.integer(7);
    run.answered = rows.integer(8);
    run.truncated = rows.integer(9);
    run.refusals = rows.integer(10);
    run.failed = rows.integer(11);
    run.unknown = rows.integer(12);
    run.input = rows.integer(13);
    run.output = rows.integer(14);
    run.cost = usd_of(rows.real(15));
    run.possibly_billed = usd_of(rows.real(16));
    run.truncated_cost = usd_of(rows.real(17));
    records.push_back(std::move(run));
  }
  if (auto done = rows.status(); !done) return fail(done.error());
  return records;
}

}  // namespace retort
