-- Which stream of an agent is the newest: one that another server took over ends no hold.
ALTER TABLE agent ADD COLUMN session INTEGER NOT NULL DEFAULT 0;
