-- Conversations with the team of roles.
CREATE TABLE orchestration_session (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid       TEXT    NOT NULL UNIQUE,
    created_at INTEGER NOT NULL,
    created_by TEXT    NOT NULL,
    used_at    INTEGER NOT NULL
);

-- A request to several roles in turn; what they wrote stands here as each of them ends.
CREATE TABLE orchestration (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid       TEXT    NOT NULL UNIQUE,
    session_id INTEGER NOT NULL REFERENCES orchestration_session (id),
    session_uuid TEXT NOT NULL,
    status     TEXT    NOT NULL,
    request    TEXT    NOT NULL,
    agents     TEXT    NOT NULL,
    error      TEXT,
    created_by TEXT    NOT NULL,
    started_at INTEGER NOT NULL,
    deadline   INTEGER NOT NULL,
    ended_at   INTEGER
);
CREATE INDEX orchestration_session_requests ON orchestration (session_id, id);
CREATE INDEX orchestration_running ON orchestration (deadline) WHERE status = 'running';

-- What models were asked and what they answered.
CREATE TABLE model_call (
    id               INTEGER PRIMARY KEY AUTOINCREMENT,
    orchestration_id INTEGER REFERENCES orchestration (id),
    role             TEXT    NOT NULL,
    model            TEXT    NOT NULL,
    ask              TEXT    NOT NULL,
    answer           TEXT,
    error            TEXT,
    input_tokens     INTEGER NOT NULL,
    cached_tokens    INTEGER NOT NULL,
    output_tokens    INTEGER NOT NULL,
    cost_microusd    INTEGER,
    started_at       INTEGER NOT NULL,
    latency_us       INTEGER NOT NULL
);
CREATE INDEX model_call_orchestration ON model_call (orchestration_id, id);
