-- A corpus as schema version 8 made it: frozen, never edited.
PRAGMA application_id = 1381257042; PRAGMA user_version = 8;
PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE terms (
  id INTEGER PRIMARY KEY,
  licence TEXT NOT NULL,
  terms_url TEXT NOT NULL,
  terms_checked TEXT NOT NULL,
  conditions TEXT NOT NULL,
  outputs_may_train INTEGER CHECK (outputs_may_train IN (0, 1))
);
INSERT INTO terms VALUES(1,'MIT','','','[]',1);
INSERT INTO terms VALUES(2,'Another-1.0','','','[]',0);
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
INSERT INTO teacher VALUES(1,'r1','openai-chat','http://127.0.0.1:8000/v1','arithmetic','',1);
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
INSERT INTO run VALUES(1,'harvest','harvest p.jsonl -t r1','0.1.0','host','{"follow_ups":[],"in_flight_max":1024,"parameters":{},"requests_per_minute":0.0,"samples":1,"stream":false,"teacher":"r1","tokens_per_minute":0.0,"validate":""}',1,'ended','2026-11-23T03:37:27.596Z','2026-11-23T03:37:27.647Z',0,0.0,'{"already_answered":0,"already_failed":0,"answered":1,"attempts":1,"bad_rows":0,"cost_usd":0.0,"declined":0,"failed":0,"failures":{},"input_tokens":6,"output_tokens":12,"pending":0,"possibly_billed":0,"rate_limited":0,"repeated":0,"retries":0,"rows":1,"seconds":0.025347822,"truncated":0}');
INSERT INTO run VALUES(2,'terms','terms amend -t r1 --may-train no --licence Another-1.0 --because ''Ada, letter 3''','0.1.0','host','{"teacher":"r1"}',NULL,'ended','2026-11-23T12:43:45.295Z','2026-11-23T12:43:45.295Z',0,0.0,'{"responses":1}');
CREATE TABLE prompt (
  id INTEGER PRIMARY KEY,
  digest TEXT NOT NULL UNIQUE,
  messages TEXT NOT NULL
);
INSERT INTO prompt VALUES(1,'0d878483b4ea7833d08041c9645478ac0aae6f45263f06a8d5219702d1eb4fa2','[{"content":"What is 2 + 2?","role":"user"}]');
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
INSERT INTO source_row VALUES(1,1,'p.jsonl',1,'4',NULL,1);
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
, continues INTEGER REFERENCES response (id), invalid_answers INTEGER NOT NULL DEFAULT 0, batch_id INTEGER REFERENCES batch (id), role TEXT NOT NULL DEFAULT '');
INSERT INTO request VALUES(1,'b7b444fbc0166c5110ecccd9f8e795c5fe778ec4759503c186c426bc186fc6f4',1,1,'openai-chat','arithmetic','{}',0,'answered',1,0,0,0,NULL,0,NULL,'');
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
, reserved_tokens INTEGER NOT NULL DEFAULT 0, reserved_usd REAL NOT NULL DEFAULT 0, also_for TEXT, first_token_ms REAL, input_tokens INTEGER, output_tokens INTEGER, cached_input_tokens INTEGER, cache_creation_tokens INTEGER, reasoning_tokens INTEGER, batch_id INTEGER REFERENCES batch (id), endpoint TEXT);
INSERT INTO attempt VALUES(1,1,1,'answered',NULL,'2026-11-23T03:37:27.624Z','2026-11-23T03:37:27.629Z','2026-11-23T03:37:27.645Z',200,NULL,NULL,0,16.440795999999998855,16.545873000000000275,'{"content-type":"application/json","x-request-id":"req-1"}',0.0,1110,0.0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,1,NULL);
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
  obtained_at TEXT NOT NULL, cache_creation_tokens INTEGER, partial INTEGER NOT NULL DEFAULT 0 CHECK (partial IN (0, 1)), invalid TEXT,
  UNIQUE (attempt_id, request_id)
);
INSERT INTO response VALUES(1,1,1,1,1,'4',replace('2+2\n2+2+0=4','\n',char(10)),'',NULL,'stop','stop',6,12,NULL,11,'arithmetic','','chatcmpl-1',0.0,'2026-11-23T03:37:27.645Z',NULL,0,NULL);
CREATE TABLE raw (
  attempt_id INTEGER PRIMARY KEY REFERENCES attempt (id),
  bytes INTEGER NOT NULL,
  body BLOB NOT NULL
);
INSERT INTO raw VALUES(1,352,X'28b52ffd646000e50600624f2d20504bdb069816f2bf854a1e690cf98dcc3c33b3d8c582c2c3fb945b68ccccd41acf338028d4db3f816e6b9df67b10568a3a99e51204cf2c17b61786dfd96aa76a6b53404a85c4fe9eb47335ad0e3a5e25b3eb770440b5951a35e978467f08e5381cca810081e0996c944efa213ccf9ba1666546c7a7da82c3488c841d2446b22898feae1cdf2c9b6dfa029f0ac49ceba71403c373629da658f53bf00dc930fdbd6df3f16c19a5b334ac4c13be30c07326dd267d110d0034852bb8a0d502505be03516d7e9338700aab7e5d4965530168d6a7e07126660d80cca08d3c0');
CREATE TABLE permission (
  id INTEGER PRIMARY KEY,
  kind TEXT NOT NULL CHECK (kind IN ('permission', 'explanation')),
  statement TEXT NOT NULL,
  run_id INTEGER NOT NULL REFERENCES run (id),
  at TEXT NOT NULL
);
CREATE TABLE tombstone (
  id INTEGER PRIMARY KEY,
  prompt_id INTEGER NOT NULL UNIQUE REFERENCES prompt (id),
  digest TEXT NOT NULL,
  responses INTEGER NOT NULL,
  reason TEXT NOT NULL,
  run_id INTEGER NOT NULL REFERENCES run (id),
  at TEXT NOT NULL
);
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
CREATE TABLE IF NOT EXISTS "view" (
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
INSERT INTO amendment VALUES(1,1,1,2,'Ada, letter 3',2,'2026-11-23T12:43:45.295Z');
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
INSERT INTO batch VALUES(1,'k1',1,1,'collected','batch_1',NULL,NULL,'2026-11-23T04:00:00.000Z',NULL,'2026-11-23T04:00:01.000Z',NULL,'2026-11-23T05:00:00.000Z',NULL);
CREATE TABLE made_prompt (
  id INTEGER PRIMARY KEY,
  digest TEXT NOT NULL,
  response_id INTEGER NOT NULL REFERENCES response (id),
  method TEXT NOT NULL,
  parents TEXT NOT NULL,
  run_id INTEGER NOT NULL REFERENCES run (id),
  UNIQUE (digest, response_id)
);
DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence VALUES('attempt',1);
INSERT INTO sqlite_sequence VALUES('response',1);
INSERT INTO sqlite_sequence VALUES('batch',1);
CREATE UNIQUE INDEX terms_content
  ON terms (licence, terms_url, terms_checked, conditions, ifnull(outputs_may_train, -1));
CREATE TRIGGER terms_never_change BEFORE UPDATE ON terms
BEGIN SELECT raise(ABORT, 'terms are never changed: add a row'); END;
CREATE INDEX request_prompt ON request (prompt_id);
CREATE INDEX attempt_request ON attempt (request_id);
CREATE INDEX attempt_open ON attempt (run_id) WHERE outcome IN ('unsent', 'sent');
CREATE INDEX response_request ON response (request_id);
CREATE INDEX view_name ON "view" (name);
CREATE INDEX amendment_teacher ON amendment (teacher_id);
CREATE INDEX request_continues ON request (continues) WHERE continues IS NOT NULL;
CREATE INDEX attempt_batch ON attempt (batch_id) WHERE batch_id IS NOT NULL;
CREATE INDEX request_batch ON request (batch_id) WHERE batch_id IS NOT NULL;
CREATE INDEX made_prompt_response ON made_prompt (response_id);
CREATE INDEX want_priority ON want (priority, prompt_id);
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
COMMIT;
