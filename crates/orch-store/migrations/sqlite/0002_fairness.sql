-- Projects share the agents' slots by weight; `pass` is the virtual time at which one was served
-- last. Limits and keys keep runs apart.
ALTER TABLE project ADD COLUMN weight INTEGER NOT NULL DEFAULT 1;
ALTER TABLE project ADD COLUMN pass INTEGER;
ALTER TABLE project ADD COLUMN max_concurrent_runs INTEGER;
ALTER TABLE work_item ADD COLUMN concurrency_key TEXT;
ALTER TABLE run ADD COLUMN concurrency_key TEXT;

CREATE INDEX project_pass ON project (pass);
CREATE INDEX run_open ON run (project_id) WHERE status IN ('running', 'waiting');
CREATE UNIQUE INDEX run_key ON run (project_id, concurrency_key)
    WHERE concurrency_key IS NOT NULL AND status IN ('running', 'waiting');
CREATE INDEX run_unclaimed_of ON run (project_id, priority DESC, id) WHERE status = 'running' AND agent IS NULL;
DROP INDEX run_unclaimed;
