-- Which stream of an agent is the newest: one that another server took over ends no hold.
ALTER TABLE agent ADD COLUMN session BIGINT NOT NULL DEFAULT 0;

-- Artifacts: whichever server is asked has the bytes.
CREATE TABLE blob (
    sha256 TEXT  PRIMARY KEY,
    bytes  BYTEA NOT NULL
);
ALTER TABLE blob ALTER COLUMN bytes SET STORAGE EXTERNAL;

-- Requests of each client by second, over all servers. Lost with the database's crash, as it may.
CREATE UNLOGGED TABLE request_count (
    client TEXT   NOT NULL,
    second BIGINT NOT NULL,
    count  BIGINT NOT NULL,
    PRIMARY KEY (client, second)
);

-- Counts a request of a client unless it has made `most` in the window: how many it has made in it,
-- this one included, and the window's oldest second. One client's requests take turns.
CREATE FUNCTION count_request(who TEXT, now_second BIGINT, window_seconds BIGINT, most BIGINT,
                              OUT accepted BIGINT, OUT used BIGINT, OUT oldest BIGINT)
    LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(who, 7));
    DELETE FROM request_count WHERE client = who AND second <= now_second - window_seconds;
    SELECT coalesce(sum(count), 0), coalesce(min(second), now_second) INTO used, oldest
      FROM request_count WHERE client = who;
    accepted := 0;
    IF used < most THEN
        INSERT INTO request_count VALUES (who, now_second, 1)
            ON CONFLICT (client, second) DO UPDATE SET count = request_count.count + 1;
        accepted := 1;
        used := used + 1;
    END IF;
END $$;
