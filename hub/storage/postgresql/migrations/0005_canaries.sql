-- Whether the hub's decisions are on: what canaries proved, and stops because a message of one would have been accepted.
--
-- Everything is written under the tree's lock, with the entry that it is about.

-- For each reason for which messages of canaries were refused: how often, and the newest REFUSAL entry.
CREATE TABLE canary_refusals (
    reason text PRIMARY KEY,
    times bigint NOT NULL,
    index bigint NOT NULL,
    time bigint NOT NULL                    -- of the entry, in milliseconds
);

CREATE TABLE stops (
    index bigint PRIMARY KEY,               -- of the STOP entry
    canary text NOT NULL,
    time bigint NOT NULL,                   -- of the entry, in milliseconds
    resumed bigint,                         -- index of the RESUMPTION entry; null while nothing is accepted
    resumed_time bigint,
    record text                             -- what that entry commits to; null where the log was refilled
);
-- At most one stop lasts.
CREATE UNIQUE INDEX stops_lasting ON stops ((true)) WHERE resumed IS NULL;

-- Everybody may read when nothing was accepted.
DROP INDEX log_entries_public;
CREATE INDEX log_entries_public ON log_entries (index)
WHERE kind IN ('PARTICIPANT', 'CHAIN', 'CATALOGUE', 'STOP', 'RESUMPTION');
