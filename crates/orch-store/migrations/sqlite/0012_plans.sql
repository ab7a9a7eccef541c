-- Versions of a project's plan: what the approved requirements are broken down into.
CREATE TABLE plan (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id      INTEGER NOT NULL REFERENCES project (id),
    requirements_id INTEGER NOT NULL REFERENCES requirements (id),
    parent_id       INTEGER REFERENCES plan (id),
    status          TEXT    NOT NULL,
    author          TEXT    NOT NULL,
    reason          TEXT,
    digest          TEXT    NOT NULL,
    tasks           INTEGER NOT NULL,
    content         TEXT    NOT NULL,
    created_at      INTEGER NOT NULL,
    approved_at     INTEGER,
    approved_by     TEXT
);
CREATE INDEX plan_project ON plan (project_id, id);

-- Which work item does a task of the plan: the version that last set it, and hashes of what it was told then:
-- `wording` of all of it, `work` of what is to be done alone.
CREATE TABLE plan_item (
    project_id   INTEGER NOT NULL REFERENCES project (id),
    task         TEXT    NOT NULL,
    work_item_id INTEGER NOT NULL REFERENCES work_item (id),
    plan_id      INTEGER NOT NULL REFERENCES plan (id),
    wording      TEXT    NOT NULL,
    work         TEXT    NOT NULL,
    PRIMARY KEY (project_id, task)
) WITHOUT ROWID;
CREATE INDEX plan_item_work_item ON plan_item (work_item_id);
