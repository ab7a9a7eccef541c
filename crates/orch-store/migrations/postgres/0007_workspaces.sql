-- Where a project's runs get their files from.
ALTER TABLE project ADD COLUMN repository_url TEXT;
ALTER TABLE project ADD COLUMN repository_ref TEXT;
-- What of it an item works on, and the commit that its approvals bind (JSON).
ALTER TABLE work_item ADD COLUMN reference TEXT;
ALTER TABLE work_item ADD COLUMN pinned TEXT;
-- The commit that a run works on (JSON).
ALTER TABLE run ADD COLUMN source TEXT;
