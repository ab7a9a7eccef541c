-- Who made a version, from which one, what an approval of it binds, and what belongs to it beside its items.
ALTER TABLE requirements ADD COLUMN parent_id INTEGER REFERENCES requirements (id);
ALTER TABLE requirements ADD COLUMN author TEXT;
ALTER TABLE requirements ADD COLUMN reason TEXT;
ALTER TABLE requirements ADD COLUMN digest TEXT;
ALTER TABLE requirements ADD COLUMN document TEXT;

-- What persons say about a version, or about one of its items.
CREATE TABLE requirement_comment (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id      INTEGER NOT NULL REFERENCES project (id),
    requirements_id INTEGER NOT NULL REFERENCES requirements (id),
    item            TEXT,
    author          TEXT    NOT NULL,
    content         TEXT    NOT NULL,
    created_at      INTEGER NOT NULL
);
CREATE INDEX requirement_comment_project ON requirement_comment (project_id, requirements_id, id);

-- What was read in the files that came with a vision; the files themselves are not kept.
CREATE TABLE vision_attachment (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    vision_id  INTEGER NOT NULL REFERENCES vision (id),
    name       TEXT    NOT NULL,
    media_type TEXT    NOT NULL,
    size_bytes INTEGER NOT NULL,
    sha256     TEXT    NOT NULL,
    content    TEXT    NOT NULL,
    created_at INTEGER NOT NULL
);
CREATE INDEX vision_attachment_vision ON vision_attachment (vision_id, id);
