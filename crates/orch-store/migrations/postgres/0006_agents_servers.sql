-- The server that has an agent's stream; none while it is not connected. A server that lives holds an
-- advisory lock under its number, so that what a dead one left here counts for nothing.
ALTER TABLE agent ADD COLUMN server BIGINT;
