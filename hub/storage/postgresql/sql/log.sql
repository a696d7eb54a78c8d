-- Appending to the log and reading it. See 0001_log.sql.

-- name: create_tree
INSERT INTO log_tree (origin, size, range, time) VALUES (%(origin)s, 0, '', 0) ON CONFLICT DO NOTHING

-- name: tree
SELECT origin, size, range, time, newest_participant FROM log_tree

-- name: lock_tree
SELECT origin, size, range, time, newest_participant FROM log_tree FOR UPDATE

-- name: move_tree
UPDATE log_tree
SET size = %(size)s, range = %(range)s, time = %(time)s, newest_participant = %(newest_participant)s

-- name: touches_since
SELECT key, index FROM log_touches WHERE index >= %(as_of)s

-- name: subject_heads
SELECT tag, nth, index FROM subject_heads WHERE tag = ANY(%(tags)s)

-- name: entries_reach
SELECT log_entries_reach(%(upto)s)

-- name: records_reach
SELECT records_reach(%(moment)s)

-- name: insert_entries
INSERT INTO log_entries (index, kind, time, sender, recipient, entry)
SELECT %(first)s + place - 1, kind, %(time)s, sender, recipient, entry
FROM unnest(%(kinds)s, %(senders)s, %(recipients)s, %(entries)s)
    WITH ORDINALITY AS u (kind, sender, recipient, entry, place)

-- name: insert_shown
INSERT INTO shown_records (index, time, salt, text)
SELECT index, %(time)s, salt, text FROM unnest(%(indexes)s, %(salts)s, %(texts)s) AS u (index, salt, text)

-- name: insert_kept
INSERT INTO kept_records (index, place, time, tag, salt, text)
SELECT index, place, %(time)s, tag, salt, text
FROM unnest(%(indexes)s, %(places)s, %(tags)s, %(salts)s, %(texts)s) AS u (index, place, tag, salt, text)

-- name: move_subject_heads
INSERT INTO subject_heads (tag, nth, index)
SELECT tag, nth, index FROM unnest(%(tags)s, %(nths)s, %(indexes)s) AS u (tag, nth, index)
ON CONFLICT (tag) DO UPDATE SET nth = excluded.nth, index = excluded.index

-- name: move_touches
INSERT INTO log_touches (key, index)
SELECT key, index FROM unnest(%(keys)s, %(indexes)s) AS u (key, index)
ON CONFLICT (key) DO UPDATE SET index = excluded.index

-- name: extend_tiles
INSERT INTO log_tiles (level, index, hashes)
SELECT level, index, hashes FROM unnest(%(levels)s, %(indexes)s, %(hashes)s) AS u (level, index, hashes)
ON CONFLICT (level, index) DO UPDATE SET hashes = log_tiles.hashes || excluded.hashes

-- name: tiles
SELECT t.level, t.index, t.hashes
FROM unnest(%(levels)s, %(indexes)s) AS u (level, index)
JOIN log_tiles t ON t.level = u.level AND t.index = u.index

-- name: leaf_hashes
SELECT sha256('\x00'::bytea || convert_to(entry, 'UTF8'))
FROM log_entries WHERE index >= %(start)s AND index < %(end)s ORDER BY index

-- name: entries
SELECT entry FROM log_entries WHERE index >= %(start)s AND index < %(end)s ORDER BY index

-- name: public_entries
SELECT index, entry FROM log_entries
WHERE kind IN ('PARTICIPANT', 'CHAIN', 'CATALOGUE') AND kind = ANY(%(kinds)s) AND index > %(after)s
ORDER BY index LIMIT %(limit)s

-- name: entries_of_kinds
SELECT index, entry FROM log_entries
WHERE kind = ANY(%(kinds)s) AND index > %(after)s
ORDER BY index LIMIT %(limit)s
