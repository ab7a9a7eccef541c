-- Where a call's cost counts: the run, its work item, the plan and the project that it served.
ALTER TABLE model_call ADD COLUMN project_id INTEGER REFERENCES project (id);
ALTER TABLE model_call ADD COLUMN plan_id INTEGER;
ALTER TABLE model_call ADD COLUMN work_item_id INTEGER;
ALTER TABLE model_call ADD COLUMN run_id INTEGER;
CREATE INDEX model_call_project ON model_call (project_id, started_at) WHERE project_id IS NOT NULL;

-- What may be spent: scope is project, plan, work_item or run; period is total or month. Spent is settled since
-- period_start; what is set aside stands in budget_reservation.
CREATE TABLE budget (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id     INTEGER NOT NULL REFERENCES project (id),
    scope          TEXT    NOT NULL,
    scope_id       INTEGER NOT NULL,
    hard_microusd  INTEGER,
    soft_microusd  INTEGER,
    period         TEXT    NOT NULL,
    period_start   INTEGER NOT NULL,
    spent_microusd INTEGER NOT NULL,
    version        INTEGER NOT NULL,
    updated_at     INTEGER NOT NULL,
    updated_by     TEXT    NOT NULL,
    UNIQUE (scope, scope_id)
);
CREATE INDEX budget_project ON budget (project_id, id);

-- Set aside for calls under way. What a server that died has left here counts no more after expires_at.
CREATE TABLE budget_reservation (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id      INTEGER NOT NULL REFERENCES project (id),
    plan_id         INTEGER,
    work_item_id    INTEGER,
    run_id          INTEGER,
    model           TEXT    NOT NULL,
    amount_microusd INTEGER NOT NULL,
    made_at         INTEGER NOT NULL,
    expires_at      INTEGER NOT NULL
);
CREATE INDEX budget_reservation_project ON budget_reservation (project_id, expires_at);

-- Prices that people set, over those of files; in micro-dollars for a million tokens.
CREATE TABLE model_price (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    model      TEXT    NOT NULL UNIQUE,
    input      INTEGER NOT NULL,
    cached     INTEGER NOT NULL,
    output     INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    updated_by TEXT    NOT NULL
);
