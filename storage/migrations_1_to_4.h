// The schema and its changes up to version 4, as they were released: never edited. Included by migrations.cpp alone.
#pragma once

namespace retort {

inline constexpr char kInitialSql[] = R"sql(
CREATE TABLE terms (
  id INTEGER PRIMARY KEY,
  licence TEXT NOT NULL,
  terms_url TEXT NOT NULL,
  terms_checked TEXT NOT NULL,
  conditions TEXT NOT NULL,
  outputs_may_train INTEGER CHECK (outputs_may_train IN (0, 1))
);
CREATE UNIQUE INDEX terms_content
  ON terms (licence, terms_url, terms_checked, conditions, ifnull(outputs_may_train, -1));
CREATE TRIGGER terms_never_change BEFORE UPDATE ON terms
BEGIN SELECT raise(ABORT, 'terms are never changed: add a row'); END;

CREATE TABLE teacher (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  dialect TEXT NOT NULL,
  base_url TEXT NOT NULL,
  model TEXT NOT NULL,
  vendor TEXT NOT NULL,
  terms_id INTEGER NOT NULL REFERENCES terms (id),
  UNIQUE (name, dialect, base_url, model, vendor)
);

CREATE TABLE run (
  id INTEGER PRIMARY KEY,
  command TEXT NOT NULL,
  arguments TEXT NOT NULL,
  version TEXT NOT NULL,
  host TEXT NOT NULL,
  configuration TEXT NOT NULL,
  teacher_id INTEGER REFERENCES teacher (id),
  state TEXT NOT NULL CHECK (state IN ('running', 'ended', 'crashed')),
  began_at TEXT NOT NULL,
  ended_at TEXT,
  exit_code INTEGER,
  cost_usd REAL,
  summary TEXT
);

CREATE TABLE prompt (
  id INTEGER PRIMARY KEY,
  digest TEXT NOT NULL UNIQUE,
  messages TEXT NOT NULL
);

CREATE TABLE source_row (
  id INTEGER PRIMARY KEY,
  prompt_id INTEGER NOT NULL REFERENCES prompt (id),
  source TEXT NOT NULL,
  "row" INTEGER NOT NULL,
  reference TEXT NOT NULL,
  metadata TEXT,
  run_id INTEGER NOT NULL REFERENCES run (id),
  UNIQUE (prompt_id, source, "row")
);

CREATE TABLE request (
  id INTEGER PRIMARY KEY,
  digest TEXT NOT NULL UNIQUE,
  prompt_id INTEGER NOT NULL REFERENCES prompt (id),
  teacher_id INTEGER NOT NULL REFERENCES teacher (id),
  dialect TEXT NOT NULL,
  model TEXT NOT NULL,
  parameters TEXT NOT NULL,
  sample INTEGER NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('pending', 'answered', 'failed')),
  response_id INTEGER REFERENCES response (id),
  truncated INTEGER NOT NULL DEFAULT 0 CHECK (truncated IN (0, 1)),
  attempts_charged INTEGER NOT NULL DEFAULT 0,
  timeouts INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX request_prompt ON request (prompt_id);

CREATE TABLE attempt (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  request_id INTEGER NOT NULL REFERENCES request (id),
  run_id INTEGER NOT NULL REFERENCES run (id),
  outcome TEXT NOT NULL CHECK (outcome IN ('unsent', 'sent', 'answered', 'refused', 'failed', 'network', 'timed_out',
                                           'cancelled', 'delivery_unknown')),
  max_tokens INTEGER,
  begun_at TEXT NOT NULL,
  sent_at TEXT,
  ended_at TEXT,
  http_status INTEGER,
  error TEXT,
  error_detail TEXT,
  possibly_billed INTEGER NOT NULL DEFAULT 0 CHECK (possibly_billed IN (0, 1)),
  first_byte_ms REAL,
  total_ms REAL,
  headers TEXT,
  cost_usd REAL
);
CREATE INDEX attempt_request ON attempt (request_id);
CREATE INDEX attempt_open ON attempt (run_id) WHERE outcome IN ('unsent', 'sent');

CREATE TABLE response (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  attempt_id INTEGER NOT NULL REFERENCES attempt (id),
  request_id INTEGER NOT NULL REFERENCES request (id),
  teacher_id INTEGER NOT NULL REFERENCES teacher (id),
  terms_id INTEGER NOT NULL REFERENCES terms (id),
  text TEXT NOT NULL,
  reasoning TEXT NOT NULL,
  refusal TEXT NOT NULL,
  tool_calls TEXT,
  finish TEXT NOT NULL CHECK (finish IN ('stop', 'length', 'content_filter', 'refusal', 'tool_calls', 'error',
                                         'other')),
  provider_finish TEXT NOT NULL,
  input_tokens INTEGER,
  output_tokens INTEGER,
  cached_input_tokens INTEGER,
  reasoning_tokens INTEGER,
  served_model TEXT NOT NULL,
  system_fingerprint TEXT NOT NULL,
  provider_id TEXT NOT NULL,
  cost_usd REAL NOT NULL,
  obtained_at TEXT NOT NULL,
  UNIQUE (attempt_id, request_id)
);
CREATE INDEX response_request ON response (request_id);

CREATE TABLE raw (
  attempt_id INTEGER PRIMARY KEY REFERENCES attempt (id),
  bytes INTEGER NOT NULL,
  body BLOB NOT NULL
);

CREATE TABLE permission (
  id INTEGER PRIMARY KEY,
  kind TEXT NOT NULL CHECK (kind IN ('permission', 'explanation')),
  statement TEXT NOT NULL,
  run_id INTEGER NOT NULL REFERENCES run (id),
  at TEXT NOT NULL
);

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
  request.sample AS sample,
  response.input_tokens AS input_tokens,
  response.output_tokens AS output_tokens,
  response.reasoning_tokens AS reasoning_tokens,
  response.cost_usd AS cost_usd,
  attempt.total_ms AS total_ms,
  response.obtained_at AS obtained_at,
  terms.licence AS licence,
  CASE terms.outputs_may_train WHEN 1 THEN 'yes' WHEN 0 THEN 'no' ELSE 'unknown' END AS outputs_may_train,
  request.status = 'answered' AND request.response_id = response.id AND response.finish <> 'length' AS in_all,
  request.id AS request_id,
  attempt.id AS attempt_id,
  prompt.id AS prompt_id
FROM response
JOIN request ON request.id = response.request_id
JOIN attempt ON attempt.id = response.attempt_id
JOIN prompt ON prompt.id = request.prompt_id
JOIN teacher ON teacher.id = response.teacher_id
JOIN terms ON terms.id = response.terms_id;

CREATE VIEW "all" AS SELECT * FROM pairs WHERE in_all;
)sql";

// A cap on money must hold over crashes, so what was set aside for an attempt is on record before it is sent.
inline constexpr char kReservationsSql[] = R"sql(
ALTER TABLE attempt ADD COLUMN reserved_tokens INTEGER NOT NULL DEFAULT 0;
ALTER TABLE attempt ADD COLUMN reserved_usd REAL NOT NULL DEFAULT 0;
)sql";

// What was forgotten leaves its digest, so that it is never asked again; the views list it no more.
inline constexpr char kTombstonesSql[] = R"sql(
CREATE TABLE tombstone (
  id INTEGER PRIMARY KEY,
  prompt_id INTEGER NOT NULL UNIQUE REFERENCES prompt (id),
  digest TEXT NOT NULL,
  responses INTEGER NOT NULL,
  reason TEXT NOT NULL,
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
  request.sample AS sample,
  response.input_tokens AS input_tokens,
  response.output_tokens AS output_tokens,
  response.reasoning_tokens AS reasoning_tokens,
  response.cost_usd AS cost_usd,
  attempt.total_ms AS total_ms,
  response.obtained_at AS obtained_at,
  terms.licence AS licence,
  CASE terms.outputs_may_train WHEN 1 THEN 'yes' WHEN 0 THEN 'no' ELSE 'unknown' END AS outputs_may_train,
  request.status = 'answered' AND request.response_id = response.id AND response.finish <> 'length' AS in_all,
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

// What curation finds out: labels, views and wants. Tombstones keep the digests of what they cover, and a change of
// terms is a row of its own with who and why.
inline constexpr char kCurationSql[] = R"sql(
CREATE TABLE stage (
  id INTEGER PRIMARY KEY,
  digest TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  settings TEXT NOT NULL
);

CREATE TABLE label (
  stage_id INTEGER NOT NULL REFERENCES stage (id),
  response_id INTEGER NOT NULL REFERENCES response (id),
  input TEXT NOT NULL,
  value TEXT NOT NULL,
  score REAL,
  reason TEXT NOT NULL,
  PRIMARY KEY (stage_id, response_id)
) WITHOUT ROWID;

CREATE TABLE "view" (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  recipe TEXT NOT NULL,
  funnel TEXT,
  digest TEXT,
  frozen_at INTEGER NOT NULL,
  pairs INTEGER,
  parts TEXT,
  run_id INTEGER NOT NULL REFERENCES run (id),
  made_at TEXT
);
CREATE INDEX view_name ON "view" (name);

CREATE TABLE view_pair (
  view_id INTEGER NOT NULL REFERENCES "view" (id),
  position INTEGER NOT NULL,
  response_id INTEGER NOT NULL REFERENCES response (id),
  rejected_id INTEGER REFERENCES response (id),
  part TEXT NOT NULL,
  PRIMARY KEY (view_id, position)
) WITHOUT ROWID;

CREATE TABLE view_drop (
  view_id INTEGER NOT NULL REFERENCES "view" (id),
  response_id INTEGER NOT NULL REFERENCES response (id),
  stage TEXT NOT NULL,
  reason TEXT NOT NULL,
  PRIMARY KEY (view_id, response_id)
) WITHOUT ROWID;

CREATE TABLE want (
  prompt_id INTEGER PRIMARY KEY REFERENCES prompt (id),
  samples INTEGER NOT NULL,
  priority REAL NOT NULL,
  reason TEXT NOT NULL,
  run_id INTEGER NOT NULL REFERENCES run (id)
);

CREATE TABLE forgotten (
  response_id INTEGER PRIMARY KEY REFERENCES response (id),
  tombstone_id INTEGER NOT NULL REFERENCES tombstone (id),
  content TEXT NOT NULL
);

CREATE TABLE amendment (
  id INTEGER PRIMARY KEY,
  teacher_id INTEGER NOT NULL REFERENCES teacher (id),
  up_to INTEGER NOT NULL,
  terms_id INTEGER NOT NULL REFERENCES terms (id),
  statement TEXT NOT NULL,
  run_id INTEGER NOT NULL REFERENCES run (id),
  at TEXT NOT NULL
);
CREATE INDEX amendment_teacher ON amendment (teacher_id);
)sql";

}  // namespace retort
