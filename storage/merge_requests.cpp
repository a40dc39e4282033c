// Prompts and requests of one source: which are known, which are new, and which second answers become further samples.
#include "core/base/text.h"
#include "storage/merge_step.h"

namespace retort {

Result<void> MergeStep::map_prompts() {
  // What either has forgotten is forgotten: of a prompt that both know, nothing comes.
  if (auto done = script(
          "INSERT INTO temp.skipped SELECT one.id FROM @.prompt one JOIN main.prompt mine USING (digest) WHERE mine.id "
          "IN "
          "(SELECT prompt_id FROM main.tombstone) OR one.id IN (SELECT prompt_id FROM @.tombstone);"
          "INSERT INTO temp.to_forget SELECT mine.id FROM @.prompt one JOIN main.prompt mine USING (digest) WHERE "
          "mine.id "
          "NOT IN (SELECT prompt_id FROM main.tombstone) AND one.id IN (SELECT prompt_id FROM @.tombstone);"
          "INSERT INTO temp.map_prompt SELECT one.id, mine.id, 0 FROM @.prompt one JOIN main.prompt mine USING "
          "(digest) "
          "WHERE one.id NOT IN (SELECT old FROM temp.skipped);"
          "INSERT INTO temp.map_prompt SELECT one.id, (SELECT coalesce(max(id), 0) FROM main.prompt) + row_number() "
          "OVER "
          "(ORDER BY one.id), 1 FROM @.prompt one WHERE NOT EXISTS (SELECT 1 FROM main.prompt mine WHERE mine.digest = "
          "one.digest);");
      !done) {
    return done;
  }
  return copy("prompt", "@.prompt one JOIN temp.map_prompt map ON map.old = one.id AND map.fresh", {{"id", "map.new"}});
}

Result<void> MergeStep::map_requests() {
  if (auto done = script(
          "INSERT INTO temp.map_request SELECT one.id, (SELECT coalesce(max(id), 0) FROM main.request) + row_number() "
          "OVER (ORDER BY one.id), 1 FROM @.request one JOIN temp.map_prompt place ON place.old = one.prompt_id "
          "WHERE NOT EXISTS (SELECT 1 FROM main.request mine WHERE mine.digest = one.digest)");
      !done) {
    return done;
  }
  if (auto done = copy("request", "@.request one JOIN temp.map_request map ON map.old = one.id AND map.fresh",
                       {{"id", "map.new"}, {"response_id", "NULL"}, {"continues", "NULL"}});
      !done) {
    return done;
  }
  // Both know the request. Its answer is there already; or there is room for it, since one of both has none, or the
  // target a cut one; what is left has two answers.
  return script(
      "INSERT OR IGNORE INTO temp.map_request SELECT one.id, min(mine.id), 0 FROM @.request one JOIN temp.map_prompt "
      "place ON place.old = one.prompt_id JOIN @.response theirs ON theirs.id = one.response_id JOIN main.request mine "
      "ON mine.prompt_id = place.new AND mine.dialect = one.dialect AND mine.model = one.model JOIN main.response ours "
      "ON ours.request_id = mine.id AND ours.obtained_at = theirs.obtained_at AND ours.provider_id = "
      "theirs.provider_id AND ours.text = theirs.text AND ours.reasoning = theirs.reasoning "
      "WHERE one.id NOT IN (SELECT old FROM temp.map_request) GROUP BY one.id;"
      "INSERT OR IGNORE INTO temp.map_request SELECT one.id, mine.id, 0 FROM @.request one JOIN temp.map_prompt place "
      "ON place.old = one.prompt_id JOIN main.request mine USING (digest) WHERE one.id NOT IN (SELECT old FROM "
      "temp.map_request) AND (one.response_id IS NULL OR mine.response_id IS NULL OR (mine.truncated "
      "AND NOT one.truncated));");
}

// A second answer to the same request is another sample of the prompt, in all but its number.
Result<void> MergeStep::add_samples() {
  struct Again {
    RowId old = 0, prompt = 0;
    std::string dialect, model, parameters, messages;
  };
  std::vector<Again> all;
  if (auto done =
          script("DROP TABLE IF EXISTS temp.again; CREATE TEMP TABLE again AS SELECT one.id AS id, place.new AS "
                 "prompt, one.dialect AS dialect, one.model AS model, one.parameters AS parameters FROM "
                 "@.request one JOIN temp.map_prompt place ON place.old = one.prompt_id WHERE one.id NOT IN "
                 "(SELECT old FROM temp.map_request)");
      !done) {
    return done;
  }
  for (RowId after = 0;;) {
    Again again;
    {
      Rows rows = connection_.query(
          "SELECT again.id, prompt, dialect, model, parameters, messages FROM temp.again JOIN main.prompt ON prompt.id "
          "= "
          "again.prompt WHERE again.id > ? ORDER BY again.id LIMIT 1",
          after);
      if (!rows.next()) return rows.status();
      again = {rows.integer(0), rows.integer(1), rows.text(2), rows.text(3), rows.text(4), rows.text(5)};
    }
    after = again.old;
    std::int64_t sample = 0;
    {
      Rows rows = connection_.query(
          "SELECT coalesce(max(sample), -1) + 1 FROM main.request WHERE prompt_id = ? AND dialect = ? AND model = ?",
          again.prompt, again.dialect, again.model);
      if (rows.next()) sample = rows.integer(0);
      if (auto done = rows.status(); !done) return done;
    }
    auto messages = parse_json(again.messages);
    const auto parameters = parse_json(again.parameters);
    if (!messages || !parameters)
      return fail(Errc::corpus, "request " + std::to_string(again.old) + " is damaged: see retort fsck");
    const std::string digest = order_.digests.request(again.dialect, again.model, Messages(std::move(*messages)),
                                                      *parameters, static_cast<int>(sample));
    const std::string old = std::to_string(again.old);
    if (auto done = script("INSERT INTO temp.map_request SELECT " + old + ", max(id) + 1, 1 FROM main.request");
        !done) {
      return done;
    }
    if (auto done = copy("request", "@.request one JOIN temp.map_request map ON map.old = one.id WHERE one.id = " + old,
                         {{"id", "map.new"},
                          {"response_id", "NULL"},
                          {"continues", "NULL"},
                          {"digest", "'" + digest + "'"},
                          {"sample", std::to_string(sample)}});
        !done) {
      return done;
    }
    ++merged_.as_samples;
  }
}

Result<void> MergeStep::point_requests() {
  return script(
      "UPDATE main.request SET response_id = (SELECT answer.new FROM temp.map_request map JOIN @.request one ON one.id "
      "= "
      "map.old JOIN temp.map_response answer ON answer.old = one.response_id WHERE map.new = request.id ORDER BY "
      "one.truncated, answer.new DESC LIMIT 1), status = 'answered' WHERE id IN (SELECT map.new FROM temp.map_request "
      "map JOIN @.request one ON one.id = map.old JOIN temp.map_response answer ON answer.old = one.response_id) AND "
      "(response_id IS NULL OR (truncated AND EXISTS (SELECT 1 FROM temp.map_request map JOIN @.request one ON one.id "
      "= "
      "map.old WHERE map.new = request.id AND NOT one.truncated AND one.response_id IS NOT NULL)));"
      "UPDATE main.request SET truncated = (SELECT finish = 'length' FROM main.response WHERE response.id = "
      "request.response_id), teacher_id = (SELECT response.teacher_id FROM main.response WHERE response.id = "
      "request.response_id) WHERE id IN (SELECT new FROM temp.map_request) AND response_id IS NOT NULL;"
      "UPDATE main.request SET continues = (SELECT answer.new FROM temp.map_request map JOIN @.request one ON one.id = "
      "map.old JOIN temp.map_response answer ON answer.old = one.continues WHERE map.new = request.id AND map.fresh) "
      "WHERE continues IS NULL AND id IN (SELECT map.new FROM temp.map_request map JOIN @.request one ON one.id = "
      "map.old WHERE map.fresh AND one.continues IS NOT NULL);"
      // What was a judge's or a maker's question in one corpus alone is a question like any other.
      "UPDATE main.request SET role = '' WHERE role <> '' AND id IN (SELECT map.new FROM temp.map_request map JOIN "
      "@.request one ON one.id = map.old WHERE one.role = '');");
}

}  // namespace retort
