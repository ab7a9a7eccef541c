-- Which step an artifact is of, and what the platform read in it, as JSON.
ALTER TABLE artifact ADD COLUMN step INTEGER;
ALTER TABLE artifact ADD COLUMN report TEXT;

-- Declared files that were not kept, and why.
CREATE TABLE artifact_omitted (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    run_id     INTEGER NOT NULL REFERENCES run (id),
    path       TEXT    NOT NULL,
    reason     TEXT    NOT NULL,
    step       INTEGER,
    created_at INTEGER NOT NULL
);
CREATE INDEX artifact_omitted_run ON artifact_omitted (run_id, id);
-- Whether content is still referred to.
CREATE INDEX artifact_sha256 ON artifact (sha256);
