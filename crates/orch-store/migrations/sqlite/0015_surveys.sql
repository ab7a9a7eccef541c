-- What was found in the existing code of a project: a commit of a repository, or an archive, which is not kept.
CREATE TABLE survey (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id INTEGER NOT NULL REFERENCES project (id),
    source     TEXT NOT NULL,
    name       TEXT NOT NULL,
    reference  TEXT,
    commit_id  TEXT,
    sha256     TEXT,
    content    TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL
);
CREATE INDEX survey_project ON survey (project_id, id);
