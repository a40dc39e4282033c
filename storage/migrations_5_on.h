// The changes of the schema from version 5 on; those that were released are never edited. Included by migrations.cpp
// alone.
#pragma once

namespace retort {

// What an attempt can leave beside one whole answer: several (server-side n), a part of one (a cut stream), one that is
// not of the wanted shape; log probabilities; and requests that go on from an answer.
inline constexpr char kEverythingKeptSql[] = R"sql(
ALTER TABLE request ADD COLUMN continues INTEGER REFERENCES response (id);
CREATE INDEX request_continues ON request (continues) WHERE continues IS NOT NULL;
ALTER TABLE request ADD COLUMN invalid_answers INTEGER NOT NULL DEFAULT 0;

ALTER TABLE attempt ADD COLUMN also_for TEXT;
ALTER TABLE attempt ADD COLUMN first_token_ms REAL;
ALTER TABLE attempt ADD COLUMN input_tokens INTEGER;
ALTER TABLE attempt ADD COLUMN output_tokens INTEGER;
ALTER TABLE attempt ADD COLUMN cached_input_tokens INTEGER;
ALTER TABLE attempt ADD COLUMN cache_creation_tokens INTEGER;
ALTER TABLE attempt ADD COLUMN reasoning_tokens INTEGER;

ALTER TABLE response ADD COLUMN cache_creation_tokens INTEGER;
ALTER TABLE response ADD COLUMN partial INTEGER NOT NULL DEFAULT 0 CHECK (partial IN (0, 1));
ALTER TABLE response ADD COLUMN invalid TEXT;

CREATE TABLE logprobs (
  response_id INTEGER PRIMARY KEY REFERENCES response (id),
  tokens INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  body BLOB NOT NULL
);

CREATE TABLE redecoded (
  id INTEGER PRIMARY KEY,
  attempt_id INTEGER NOT NULL REFERENCES attempt (id),
  before TEXT NOT NULL,
  changed TEXT NOT NULL,
  run_id INTEGER NOT NULL REFERENCES run (id),
  at TEXT NOT NULL
);

DROP VIEW "all";
DROP VIEW pairs;
CREATE VIEW pairs AS
SELECT
  response.id AS response_id,
  teacher.name AS teacher,
  coalesce(nullif(response.served_model, ''), request.model) AS model,
  (SELECT CASE json_type(message.value, '$.content') WHEN 'text' THEN json_extract(message.value, '$.content')
               ELSE json_extract(message.value, '$.content[0].text') END
     FROM json_each(prompt.messages) AS message
    WHERE json_extract(message.value, '$.role') = 'user'
    ORDER BY message.key DESC LIMIT 1) AS prompt,
  response.text AS answer,
  response.reasoning AS reasoning,
  (SELECT source_row.reference FROM source_row
    WHERE source_row.prompt_id = prompt.id AND source_row.reference <> ''
    ORDER BY source_row.run_id DESC, source_row.id DESC LIMIT 1) AS reference,
  response.refusal AS refusal,
  response.finish AS finish,
  response.partial AS partial,
  response.invalid AS invalid,
  request.sample AS sample,
  response.input_tokens AS input_tokens,
  response.output_tokens AS output_tokens,
  response.reasoning_tokens AS reasoning_tokens,
  response.cost_usd AS cost_usd,
  attempt.first_token_ms AS first_token_ms,
  attempt.total_ms AS total_ms,
  response.obtained_at AS obtained_at,
  terms.licence AS licence,
  CASE terms.outputs_may_train WHEN 1 THEN 'yes' WHEN 0 THEN 'no' ELSE 'unknown' END AS outputs_may_train,
  request.status = 'answered' AND request.response_id = response.id AND response.finish <> 'length'
    AND NOT response.partial AND response.invalid IS NULL AS in_all,
  request.continues AS continues,
  request.id AS request_id,
  attempt.id AS attempt_id,
  prompt.id AS prompt_id
FROM response
JOIN request ON request.id = response.request_id
JOIN attempt ON attempt.id = response.attempt_id
JOIN prompt ON prompt.id = request.prompt_id
JOIN teacher ON teacher.id = response.teacher_id
JOIN terms ON terms.id = response.terms_id
WHERE NOT EXISTS (SELECT 1 FROM tombstone WHERE tombstone.prompt_id = prompt.id);

CREATE VIEW "all" AS SELECT * FROM pairs WHERE in_all;
)sql";

// Questions that a provider answers together, hours later. A request knows its batch, so that a harvest passes it over
// at the cost of the look-up that it makes anyway.
inline constexpr char kBatchesSql[] = R"sql(
CREATE TABLE batch (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  key TEXT NOT NULL UNIQUE,
  teacher_id INTEGER NOT NULL REFERENCES teacher (id),
  run_id INTEGER NOT NULL REFERENCES run (id),
  state TEXT NOT NULL CHECK (state IN ('planned', 'uploading', 'creating', 'submitted', 'collected')),
  provider_id TEXT,
  provider_status TEXT,
  input_file TEXT,
  begun_at TEXT NOT NULL,
  creating_at TEXT,
  submitted_at TEXT,
  expires_at TEXT,
  collected_at TEXT,
  error TEXT
);

ALTER TABLE attempt ADD COLUMN batch_id INTEGER REFERENCES batch (id);
CREATE INDEX attempt_batch ON attempt (batch_id) WHERE batch_id IS NOT NULL;
ALTER TABLE request ADD COLUMN batch_id INTEGER REFERENCES batch (id);
CREATE INDEX request_batch ON request (batch_id) WHERE batch_id IS NOT NULL;
)sql";

// Of a teacher with several servers, which one each attempt was sent to.
inline constexpr char kEndpointsSql[] = R"sql(
ALTER TABLE attempt ADD COLUMN endpoint TEXT;
)sql";

// What retort asks for its own ends, and what teachers made: requests have a role, and a made prompt its maker.
inline constexpr char kRolesSql[] = R"sql(
ALTER TABLE request ADD COLUMN role TEXT NOT NULL DEFAULT '';

CREATE TABLE made_prompt (
  id INTEGER PRIMARY KEY,
  digest TEXT NOT NULL,
  response_id INTEGER NOT NULL REFERENCES response (id),
  method TEXT NOT NULL,
  parents TEXT NOT NULL,
  run_id INTEGER NOT NULL REFERENCES run (id),
  UNIQUE (digest, response_id)
);
CREATE INDEX made_prompt_response ON made_prompt (response_id);
CREATE INDEX want_priority ON want (priority, prompt_id);

DROP VIEW "all";
DROP VIEW pairs;
CREATE VIEW pairs AS
SELECT
  response.id AS response_id,
  teacher.name AS teacher,
  coalesce(nullif(response.served_model, ''), request.model) AS model,
  (SELECT CASE json_type(message.value, '$.content') WHEN 'text' THEN json_extract(message.value, '$.content')
               ELSE json_extract(message.value, '$.content[0].text') END
     FROM json_each(prompt.messages) AS message
    WHERE json_extract(message.value, '$.role') = 'user'
    ORDER BY message.key DESC LIMIT 1) AS prompt,
  response.text AS answer,
  response.reasoning AS reasoning,
  (SELECT source_row.reference FROM source_row
    WHERE source_row.prompt_id = prompt.id AND source_row.reference <> ''
    ORDER BY source_row.run_id DESC, source_row.id DESC LIMIT 1) AS reference,
  response.refusal AS refusal,
  response.finish AS finish,
  response.partial AS partial,
  response.invalid AS invalid,
  request.sample AS sample,
  response.input_tokens AS input_tokens,
  response.output_tokens AS output_tokens,
  response.reasoning_tokens AS reasoning_tokens,
  response.cost_usd AS cost_usd,
  attempt.first_token_ms AS first_token_ms,
  attempt.total_ms AS total_ms,
  response.obtained_at AS obtained_at,
  terms.licence AS licence,
  CASE terms.outputs_may_train WHEN 1 THEN 'yes' WHEN 0 THEN 'no' ELSE 'unknown' END AS outputs_may_train,
  request.status = 'answered' AND request.response_id = response.id AND response.finish <> 'length'
    AND NOT response.partial AND response.invalid IS NULL AND request.role = '' AS in_all,
  request.role AS role,
  request.continues AS continues,
  request.id AS request_id,
  attempt.id AS attempt_id,
  prompt.id AS prompt_id
FROM response
JOIN request ON request.id = response.request_id
JOIN attempt ON attempt.id = response.attempt_id
JOIN prompt ON prompt.id = request.prompt_id
JOIN teacher ON teacher.id = response.teacher_id
JOIN terms ON terms.id = response.terms_id
WHERE NOT EXISTS (SELECT 1 FROM tombstone WHERE tombstone.prompt_id = prompt.id);

CREATE VIEW "all" AS SELECT * FROM pairs WHERE in_all;
)sql";

// The views tell the terms that hold now, as export and train take them, and who amended them; those under which a
// response was obtained stay on its row.
inline constexpr char kTermsInForceSql[] = R"sql(
DROP VIEW "all";
DROP VIEW pairs;
CREATE VIEW pairs AS
SELECT
  response.id AS response_id,
  teacher.name AS teacher,
  coalesce(nullif(response.served_model, ''), request.model) AS model,
  (SELECT CASE json_type(message.value, '$.content') WHEN 'text' THEN json_extract(message.value, '$.content')
               ELSE json_extract(message.value, '$.content[0].text') END
     FROM json_each(prompt.messages) AS message
    WHERE json_extract(message.value, '$.role') = 'user'
    ORDER BY message.key DESC LIMIT 1) AS prompt,
  response.text AS answer,
  response.reasoning AS reasoning,
  (SELECT source_row.reference FROM source_row
    WHERE source_row.prompt_id = prompt.id AND source_row.reference <> ''
    ORDER BY source_row.run_id DESC, source_row.id DESC LIMIT 1) AS reference,
  response.refusal AS refusal,
  response.finish AS finish,
  response.partial AS partial,
  response.invalid AS invalid,
  request.sample AS sample,
  response.input_tokens AS input_tokens,
  response.output_tokens AS output_tokens,
  response.reasoning_tokens AS reasoning_tokens,
  response.cost_usd AS cost_usd,
  attempt.first_token_ms AS first_token_ms,
  attempt.total_ms AS total_ms,
  response.obtained_at AS obtained_at,
  terms.licence AS licence,
  CASE terms.outputs_may_train WHEN 1 THEN 'yes' WHEN 0 THEN 'no' ELSE 'unknown' END AS outputs_may_train,
  (SELECT amendment.statement FROM amendment
    WHERE amendment.teacher_id = response.teacher_id AND amendment.up_to >= response.id
    ORDER BY amendment.id DESC LIMIT 1) AS amended,
  request.status = 'answered' AND request.response_id = response.id AND response.finish <> 'length'
    AND NOT response.partial AND response.invalid IS NULL AND request.role = '' AS in_all,
  request.role AS role,
  request.continues AS continues,
  request.id AS request_id,
  attempt.id AS attempt_id,
  prompt.id AS prompt_id
FROM response
JOIN request ON request.id = response.request_id
JOIN attempt ON attempt.id = response.attempt_id
JOIN prompt ON prompt.id = request.prompt_id
JOIN teacher ON teacher.id = response.teacher_id
JOIN terms ON terms.id = coalesce((SELECT amendment.terms_id FROM amendment
    WHERE amendment.teacher_id = response.teacher_id AND amendment.up_to >= response.id
    ORDER BY amendment.id DESC LIMIT 1), response.terms_id)
WHERE NOT EXISTS (SELECT 1 FROM tombstone WHERE tombstone.prompt_id = prompt.id);

CREATE VIEW "all" AS SELECT * FROM pairs WHERE in_all;
)sql";

}  // namespace retort
