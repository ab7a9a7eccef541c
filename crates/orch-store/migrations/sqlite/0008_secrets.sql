-- Secrets of projects. A value stands here sealed, or in a vault under the version noted here.
CREATE TABLE secret (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id    INTEGER NOT NULL REFERENCES project (id),
    -- Empty for the project's own.
    environment   TEXT    NOT NULL,
    name          TEXT    NOT NULL,
    version       INTEGER NOT NULL,
    sealed        TEXT,
    vault_version INTEGER,
    created_at    INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL,
    set_by        TEXT    NOT NULL
);
CREATE UNIQUE INDEX secret_name ON secret (project_id, name, environment);

-- What all servers on this database sign runs' tokens with; made once.
CREATE TABLE token_key (
    id         INTEGER PRIMARY KEY,
    key        BLOB    NOT NULL,
    created_at INTEGER NOT NULL
);
