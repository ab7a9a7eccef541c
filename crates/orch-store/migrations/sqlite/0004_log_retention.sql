-- Up to which line a run's log was removed by retention: lines before `kept_from` are gone.
CREATE TABLE log_removed (
    run_id     INTEGER PRIMARY KEY,
    kept_from  INTEGER NOT NULL,
    removed_at INTEGER NOT NULL
);
