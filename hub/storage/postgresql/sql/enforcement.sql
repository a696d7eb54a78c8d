-- Whether the hub's decisions are on. See 0005_canaries.sql and 0008_canary_passes.sql.
--
-- Above the line: read and written under the tree's lock. Below it: reading, and what passes during a stop.

-- name: stop_that_lasts ()
SELECT index FROM stops WHERE resumed IS NULL

-- name: insert_stops (indexes bigint[], canaries text[], forms text[], time bigint)
INSERT INTO stops (index, canary, form, time)
SELECT index, canary, form, $time FROM unnest($indexes, $canaries, $forms) AS u (index, canary, form)

-- name: forget_passes (forms text[])
DELETE FROM canary_passes WHERE form = ANY ($forms)

-- name: forget_all_passes ()
DELETE FROM canary_passes

-- name: end_stops (stops bigint[], indexes bigint[], records text[], time bigint)
UPDATE stops s SET resumed = u.index, resumed_time = $time, record = u.record
FROM unnest($stops, $indexes, $records) AS u (stop, index, record)
WHERE s.index = u.stop

-- name: end_stop_that_lasts (index bigint, time bigint)
UPDATE stops SET resumed = $index, resumed_time = $time WHERE resumed IS NULL

-- name: count_canary_refusals (reasons text[], indexes bigint[], time bigint)
INSERT INTO canary_refusals AS c (reason, times, index, time)
SELECT reason, count(*), max(index), $time FROM unnest($reasons, $indexes) AS u (reason, index) GROUP BY reason
ON CONFLICT (reason) DO UPDATE SET times = c.times + excluded.times, index = excluded.index, time = excluded.time

-- ------------------------------------------------------------------------------------------------------------------

-- name: remember_passes (forms text[], canaries text[], purposes text[], types text[])
INSERT INTO canary_passes (form, canary, purpose, type)
SELECT form, canary, purpose, type
FROM unnest($forms, $canaries, $purposes, $types) AS u (form, canary, purpose, type)
WHERE (SELECT count(*) FROM canary_passes) < 100
ON CONFLICT (form) DO NOTHING

-- name: canary_passes ()
SELECT form, canary, purpose, type FROM canary_passes ORDER BY canary, purpose, type, form

-- name: stops (limit bigint)
SELECT index, canary, time, form, resumed, resumed_time, record FROM stops ORDER BY index DESC LIMIT $limit

-- name: canary_refusals ()
SELECT reason, times, index, time FROM canary_refusals ORDER BY reason
