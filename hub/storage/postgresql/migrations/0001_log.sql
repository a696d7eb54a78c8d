-- The transparency log: one tree, its entries, its hash tiles.
--
-- Everything that changes the log, or the state that an entry records, holds the lock on the one row of log_tree.

CREATE TABLE log_tree (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    origin text NOT NULL,
    size bigint NOT NULL CHECK (size >= 0),
    range bytea NOT NULL,               -- compact range: one hash of 32 bytes for each bit set in size
    time bigint NOT NULL,               -- of the newest entry, in milliseconds
    newest_participant bigint           -- index of the newest PARTICIPANT entry
) WITH (fillfactor = 10);               -- room for its own next versions in the same page

CREATE TABLE log_entries (
    index bigint PRIMARY KEY,
    kind text NOT NULL,
    time bigint NOT NULL,
    sender text,
    recipient text,
    entry text NOT NULL                 -- the exact text; its leaf hash is SHA-256(0x00, entry) and stands nowhere else
) PARTITION BY RANGE (index);

CREATE INDEX log_entries_sender ON log_entries (sender, index) WHERE sender IS NOT NULL;
CREATE INDEX log_entries_recipient ON log_entries (recipient, index) WHERE recipient IS NOT NULL;
CREATE INDEX log_entries_public ON log_entries (index) WHERE kind IN ('PARTICIPANT', 'CHAIN', 'CATALOGUE');

-- Level 0 holds full tiles only: what is beyond them is hashed from the entries. Higher levels hold what there is.
CREATE TABLE log_tiles (
    level smallint NOT NULL,
    index bigint NOT NULL,
    hashes bytea NOT NULL,
    PRIMARY KEY (level, index)
);
ALTER TABLE log_tiles ALTER COLUMN hashes SET STORAGE EXTERNAL;     -- hashes do not compress

-- The newest entry that touches a subject or party: what a decision must not have missed.
CREATE TABLE log_touches (
    key text PRIMARY KEY,               -- a subject's tag, an OIN, or * for everything
    index bigint NOT NULL
);
CREATE INDEX log_touches_index ON log_touches (index);

-- Records that entries commit to, by month, so that erasure can rewrite a month.
CREATE TABLE shown_records (
    index bigint NOT NULL,
    time bigint NOT NULL,
    salt bytea NOT NULL,
    text text NOT NULL,
    PRIMARY KEY (index, time)
) PARTITION BY RANGE (time);

CREATE TABLE kept_records (
    index bigint NOT NULL,
    place smallint NOT NULL,            -- n of kept_n in the entry
    time bigint NOT NULL,
    tag text NOT NULL,
    salt bytea NOT NULL,
    text text NOT NULL,
    PRIMARY KEY (index, place, time)
) PARTITION BY RANGE (time);
CREATE INDEX kept_records_tag ON kept_records (tag, index);

-- The newest record of each subject: where its chain of records goes on.
CREATE TABLE subject_heads (
    tag text PRIMARY KEY,
    nth bigint NOT NULL CHECK (nth >= 1),
    index bigint NOT NULL
) WITH (fillfactor = 70);

-- Make partitions for the entries up to an index, and one in reserve. A partition is made apart and attached, which
-- holds up neither readers nor writers.
CREATE FUNCTION log_entries_reach(upto bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    width CONSTANT bigint := 1048576;
    number bigint;
    name text;
BEGIN
    FOR number IN 0 .. upto / width + 1 LOOP
        name := format('log_entries_%s', number);
        IF to_regclass(name) IS NULL THEN
            EXECUTE format('CREATE TABLE %I (LIKE log_entries INCLUDING ALL)', name);
            EXECUTE format('ALTER TABLE log_entries ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)',
                           name, number * width, (number + 1) * width);
        END IF;
    END LOOP;
    RETURN (upto / width + 2) * width;
END $$;

-- Make the partitions for records of the month in which a moment lies. Months are those of UTC.
CREATE FUNCTION records_reach(moment bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    month CONSTANT timestamp := date_trunc('month', timestamp 'epoch' + moment * interval '1 millisecond');
    since CONSTANT bigint := extract(epoch FROM month)::bigint * 1000;
    until CONSTANT bigint := extract(epoch FROM month + interval '1 month')::bigint * 1000;
    parent text;
    name text;
BEGIN
    FOREACH parent IN ARRAY ARRAY['shown_records', 'kept_records'] LOOP
        name := parent || to_char(month, '_YYYY_MM');
        IF to_regclass(name) IS NULL THEN
            EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING ALL)', name, parent);
            EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)', parent, name, since, until);
        END IF;
    END LOOP;
END $$;

SELECT log_entries_reach(0);
