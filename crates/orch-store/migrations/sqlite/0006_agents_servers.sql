-- The server that has an agent's stream; none while it is not connected.
ALTER TABLE agent ADD COLUMN server INTEGER;
