-- Times are microseconds since the Unix epoch, UTC. State is a word; its detail is JSON.

CREATE TABLE project (
    id               INTEGER PRIMARY KEY AUTOINCREMENT,
    name             TEXT    NOT NULL,
    description      TEXT    NOT NULL,
    max_runs_per_day INTEGER,
    window_start     INTEGER NOT NULL,
    runs_in_window   INTEGER NOT NULL,
    created_at       INTEGER NOT NULL
);

CREATE TABLE vision (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id INTEGER NOT NULL REFERENCES project (id),
    content    TEXT    NOT NULL,
    created_at INTEGER NOT NULL
);
CREATE INDEX vision_project ON vision (project_id, id);

CREATE TABLE requirements (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id  INTEGER NOT NULL REFERENCES project (id),
    vision_id   INTEGER NOT NULL REFERENCES vision (id),
    status      TEXT    NOT NULL,
    draft       TEXT    NOT NULL,
    items       TEXT    NOT NULL,
    created_at  INTEGER NOT NULL,
    approved_at INTEGER,
    approved_by TEXT
);
CREATE INDEX requirements_project ON requirements (project_id, id);

CREATE TABLE work_item (
    id                INTEGER PRIMARY KEY,
    project_id        INTEGER NOT NULL REFERENCES project (id),
    title             TEXT    NOT NULL,
    description       TEXT    NOT NULL,
    kind              TEXT    NOT NULL,
    environment       TEXT,
    state             TEXT    NOT NULL,
    max_retries       INTEGER,
    backoff_base_us   INTEGER,
    backoff_jitter_us INTEGER,
    approval_asked    INTEGER NOT NULL,
    recipe_id         INTEGER,
    digest            TEXT    NOT NULL,
    created_at        INTEGER NOT NULL,
    version           INTEGER NOT NULL
);
CREATE INDEX work_item_project ON work_item (project_id, id);

CREATE TABLE recipe (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    work_item_id INTEGER NOT NULL REFERENCES work_item (id),
    yaml         TEXT    NOT NULL,
    created_at   INTEGER NOT NULL
);
CREATE INDEX recipe_work_item ON recipe (work_item_id, id);

CREATE TABLE approval (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    work_item_id    INTEGER NOT NULL REFERENCES work_item (id),
    run_id          INTEGER,
    status          TEXT    NOT NULL,
    reason          TEXT,
    digest          TEXT    NOT NULL,
    planned_steps   TEXT,
    used_by         INTEGER,
    created_at      INTEGER NOT NULL,
    decided_at      INTEGER,
    decided_by      TEXT,
    decision_reason TEXT
);
CREATE INDEX approval_work_item ON approval (work_item_id, id);
CREATE INDEX approval_run ON approval (run_id) WHERE run_id IS NOT NULL;
CREATE INDEX approval_pending ON approval (id) WHERE status = 'pending';

-- `state` is waiting, ready, running, done, failed or cancelled. Ready rows alone stand in the
-- index that a claim reads.
CREATE TABLE queue_entry (
    id            INTEGER PRIMARY KEY,
    work_item_id  INTEGER NOT NULL REFERENCES work_item (id),
    project_id    INTEGER NOT NULL,
    priority      INTEGER NOT NULL,
    scheduled_for INTEGER NOT NULL,
    state         TEXT    NOT NULL,
    unmet         INTEGER NOT NULL,
    gate_closed   INTEGER NOT NULL,
    run_id        INTEGER,
    attempts      INTEGER NOT NULL,
    trace_id      TEXT,
    created_at    INTEGER NOT NULL
);
CREATE INDEX queue_entry_ready ON queue_entry (project_id, priority DESC, id) WHERE state = 'ready';
CREATE INDEX queue_entry_due ON queue_entry (scheduled_for) WHERE state = 'ready';
CREATE UNIQUE INDEX queue_entry_open ON queue_entry (work_item_id) WHERE state IN ('waiting', 'ready', 'running');
CREATE INDEX queue_entry_work_item ON queue_entry (work_item_id, id);

CREATE TABLE queue_dependency (
    entry_id   INTEGER NOT NULL REFERENCES queue_entry (id),
    depends_on INTEGER NOT NULL,
    met        INTEGER NOT NULL,
    PRIMARY KEY (entry_id, depends_on)
) WITHOUT ROWID;
CREATE INDEX queue_dependency_unmet ON queue_dependency (depends_on, entry_id) WHERE met = 0;

-- `status` is running, waiting, succeeded, failed, cancelled or lost.
CREATE TABLE run (
    id           INTEGER PRIMARY KEY,
    work_item_id INTEGER NOT NULL REFERENCES work_item (id),
    project_id   INTEGER NOT NULL,
    entry_id     INTEGER NOT NULL,
    attempt      INTEGER NOT NULL,
    priority     INTEGER NOT NULL,
    status       TEXT    NOT NULL,
    agent        TEXT,
    lease_until  INTEGER,
    lease_ttl_us INTEGER,
    epoch        INTEGER NOT NULL,
    lapses       INTEGER NOT NULL,
    trace_id     TEXT    NOT NULL,
    digest       TEXT    NOT NULL,
    created_at   INTEGER NOT NULL,
    started_at   INTEGER,
    finished_at  INTEGER,
    exit_code    INTEGER,
    reason       TEXT
);
CREATE INDEX run_work_item ON run (work_item_id, id);
CREATE INDEX run_unclaimed ON run (priority DESC, id) WHERE status = 'running' AND agent IS NULL;
CREATE INDEX run_leased ON run (lease_until) WHERE lease_until IS NOT NULL AND status IN ('running', 'waiting');
CREATE INDEX run_active ON run (id) WHERE status IN ('running', 'waiting');

CREATE TABLE step (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    run_id      INTEGER NOT NULL REFERENCES run (id),
    number      INTEGER NOT NULL,
    name        TEXT    NOT NULL,
    command     TEXT,
    status      TEXT    NOT NULL,
    exit_code   INTEGER,
    started_at  INTEGER,
    finished_at INTEGER,
    detail      TEXT    NOT NULL
);
CREATE INDEX step_run ON step (run_id, id);

CREATE TABLE artifact (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    run_id     INTEGER NOT NULL REFERENCES run (id),
    name       TEXT    NOT NULL,
    media_type TEXT    NOT NULL,
    kind       TEXT    NOT NULL,
    size_bytes INTEGER NOT NULL,
    sha256     TEXT    NOT NULL,
    created_at INTEGER NOT NULL
);
CREATE INDEX artifact_run ON artifact (run_id, id);

CREATE TABLE summary (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    run_id     INTEGER NOT NULL REFERENCES run (id),
    content    TEXT    NOT NULL,
    usage      TEXT,
    created_at INTEGER NOT NULL
);
CREATE INDEX summary_run ON summary (run_id, id);

CREATE TABLE info_request (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    run_id      INTEGER NOT NULL REFERENCES run (id),
    prompt      TEXT    NOT NULL,
    fields      TEXT    NOT NULL,
    status      TEXT    NOT NULL,
    sealed      TEXT,
    created_at  INTEGER NOT NULL,
    resolved_at INTEGER
);
CREATE INDEX info_request_run ON info_request (run_id, id);
CREATE INDEX info_request_pending ON info_request (id) WHERE status = 'pending';

CREATE TABLE agent (
    name          TEXT    PRIMARY KEY,
    version       TEXT    NOT NULL,
    slots         INTEGER NOT NULL,
    labels        TEXT    NOT NULL,
    registered_at INTEGER NOT NULL,
    last_seen_at  INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE log_chunk (
    run_id      INTEGER NOT NULL,
    first_seq   INTEGER NOT NULL,
    lines       INTEGER NOT NULL,
    segment     INTEGER NOT NULL,
    offset      INTEGER NOT NULL,
    length      INTEGER NOT NULL,
    first_at    INTEGER NOT NULL,
    PRIMARY KEY (run_id, first_seq)
) WITHOUT ROWID;

CREATE TABLE audit (
    seq        INTEGER PRIMARY KEY,
    at         INTEGER NOT NULL,
    actor      TEXT    NOT NULL,
    kind       TEXT    NOT NULL,
    project_id INTEGER,
    body       TEXT    NOT NULL,
    hash       BLOB    NOT NULL
);

CREATE TABLE idempotency (
    key        TEXT    PRIMARY KEY,
    request    TEXT    NOT NULL,
    status     INTEGER NOT NULL,
    headers    TEXT    NOT NULL,
    body       BLOB    NOT NULL,
    created_at INTEGER NOT NULL
) WITHOUT ROWID;
