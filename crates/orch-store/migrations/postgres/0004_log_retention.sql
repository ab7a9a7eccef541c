-- Up to which line a run's log was removed by retention: lines before `kept_from` are gone.
CREATE TABLE log_removed (
    run_id     BIGINT PRIMARY KEY,
    kept_from  BIGINT NOT NULL,
    removed_at BIGINT NOT NULL
);
