-- Appending to the log and reading it. See 0001_log.sql.

-- name: begin ()
BEGIN

-- name: commit ()
COMMIT

-- name: roll_back ()
ROLLBACK

-- name: create_tree (origin text)
INSERT INTO log_tree (origin, size, range, time) VALUES ($origin, 0, '', 0) ON CONFLICT DO NOTHING

-- name: tree ()
SELECT origin, size, range, time, newest_participant, (extract(epoch FROM clock_timestamp()) * 1000)::bigint
FROM log_tree

-- name: lock_tree ()
SELECT origin, size, range, time, newest_participant, (extract(epoch FROM clock_timestamp()) * 1000)::bigint
FROM log_tree FOR UPDATE

-- name: move_tree (size bigint, range bytea, time bigint, newest_participant bigint)
UPDATE log_tree
SET size = $size, range = $range, time = $time, newest_participant = $newest_participant

-- name: touches_since (as_of bigint)
SELECT key, index FROM log_touches WHERE index >= $as_of

-- name: subject_heads (tags text[])
SELECT tag, nth, index FROM subject_heads WHERE tag = ANY($tags)

-- name: entries_reach (upto bigint)
SELECT log_entries_reach($upto)

-- name: records_reach (moment bigint)
SELECT records_reach($moment)

-- name: insert_entries (first bigint, time bigint, kinds text[], senders text[], recipients text[], entries text[])
INSERT INTO log_entries (index, kind, time, sender, recipient, entry)
SELECT $first + place - 1, kind, $time, sender, recipient, entry
FROM unnest($kinds, $senders, $recipients, $entries)
    WITH ORDINALITY AS u (kind, sender, recipient, entry, place)

-- name: insert_shown (time bigint, indexes bigint[], salts bytea[], texts text[])
INSERT INTO shown_records (index, time, salt, text)
SELECT index, $time, salt, text FROM unnest($indexes, $salts, $texts) AS u (index, salt, text)

-- name: insert_kept (time bigint, indexes bigint[], places bigint[], tags text[], salts bytea[], texts text[])
INSERT INTO kept_records (index, place, time, tag, salt, text)
SELECT index, place, $time, tag, salt, text
FROM unnest($indexes, $places, $tags, $salts, $texts) AS u (index, place, tag, salt, text)

-- name: move_subject_heads (tags text[], nths bigint[], indexes bigint[])
INSERT INTO subject_heads (tag, nth, index)
SELECT tag, nth, index FROM unnest($tags, $nths, $indexes) AS u (tag, nth, index)
ON CONFLICT (tag) DO UPDATE SET nth = excluded.nth, index = excluded.index

-- name: move_touches (keys text[], indexes bigint[])
INSERT INTO log_touches (key, index)
SELECT key, index FROM unnest($keys, $indexes) AS u (key, index)
ON CONFLICT (key) DO UPDATE SET index = excluded.index

-- name: extend_tiles (levels bigint[], indexes bigint[], hashes bytea[])
INSERT INTO log_tiles (level, index, hashes)
SELECT level, index, hashes FROM unnest($levels, $indexes, $hashes) AS u (level, index, hashes)
ON CONFLICT (level, index) DO UPDATE SET hashes = log_tiles.hashes || excluded.hashes

-- name: tiles (levels bigint[], indexes bigint[])
SELECT t.level, t.index, t.hashes
FROM unnest($levels, $indexes) AS u (level, index)
JOIN log_tiles t ON t.level = u.level AND t.index = u.index

-- name: leaf_hashes (start bigint, until bigint)
SELECT string_agg(sha256('\x00'::bytea || convert_to(entry, 'UTF8')), ''::bytea ORDER BY index)
FROM log_entries WHERE index >= $start AND index < $until

-- name: entries (start bigint, until bigint)
SELECT entry FROM log_entries WHERE index >= $start AND index < $until ORDER BY index

-- name: public_entries (kinds text[], after bigint, limit bigint)
SELECT index, entry FROM log_entries
WHERE kind IN ('PARTICIPANT', 'CHAIN', 'CATALOGUE', 'STOP', 'RESUMPTION') AND kind = ANY($kinds) AND index > $after
ORDER BY index LIMIT $limit

-- name: entries_of_kinds (kinds text[], after bigint, limit bigint)
SELECT index, entry FROM log_entries
WHERE kind = ANY($kinds) AND index > $after
ORDER BY index LIMIT $limit
