-- Roles that a project has in place of the program's or the operator's, as their files' text.
CREATE TABLE project_role (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id INTEGER NOT NULL REFERENCES project (id),
    name       TEXT NOT NULL,
    content    TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    updated_by TEXT NOT NULL
);
CREATE UNIQUE INDEX project_role_name ON project_role (project_id, name);

-- Short notes that a role is given again in a project: written by persons, or handed on by the role.
CREATE TABLE role_memory (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id INTEGER NOT NULL REFERENCES project (id),
    role       TEXT NOT NULL,
    content    TEXT NOT NULL,
    author     TEXT NOT NULL,
    origin     TEXT NOT NULL,
    created_at INTEGER NOT NULL
);
CREATE INDEX role_memory_role ON role_memory (project_id, role, id);
CREATE INDEX role_memory_age ON role_memory (created_at);
