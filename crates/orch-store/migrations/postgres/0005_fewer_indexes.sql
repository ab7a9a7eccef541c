-- `run_open` finds the same runs.
DROP INDEX run_active;
-- An entry that was due when it came is never looked for by its time.
DROP INDEX queue_entry_due;
CREATE INDEX queue_entry_due ON queue_entry (scheduled_for) WHERE state = 'ready' AND scheduled_for > created_at;

-- Rows that are updated a few times, none of whose indexes that touches: new versions stay on their page.
ALTER TABLE work_item SET (fillfactor = 50);
ALTER TABLE project SET (fillfactor = 50);
ALTER TABLE writer SET (fillfactor = 10);
