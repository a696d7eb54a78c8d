-- What is stated about persons, and what follows from it. See 0004_persons.sql.
--
-- Above the line: read and written under the tree's lock. Below it: reading, and reminders.

-- name: records_known (ids text[])
SELECT id::text FROM person_records WHERE id = ANY($ids::uuid[])

-- name: reviews_known (abouts text[], marks text[])
SELECT r.about::text, r.mark, r.closed IS NULL FROM unnest($abouts, $marks) AS u (about, mark)
JOIN reviews r ON r.about = u.about::uuid AND r.mark = u.mark

-- name: insert_records (ids text[], indexes bigint[], kinds text[], tags text[], tokens text[])
INSERT INTO person_records (id, index, kind, tag, token)
SELECT id::uuid, index, kind, tag, token FROM unnest($ids, $indexes, $kinds, $tags, $tokens)
    AS u (id, index, kind, tag, token)

-- name: insert_linked_tags (tags text[], others text[])
INSERT INTO linked_tags (tag, other) SELECT * FROM unnest($tags, $others) ON CONFLICT DO NOTHING

-- name: insert_recalls (ids text[], indexes bigint[], tokens text[])
INSERT INTO recalls (message_id, index, token)
SELECT id::uuid, index, token FROM unnest($ids, $indexes, $tokens) AS u (id, index, token)

-- name: insert_reliances (records text[], messages text[])
INSERT INTO reliances (record_id, message_id)
SELECT record::uuid, message::uuid FROM unnest($records, $messages) AS u (record, message)
ON CONFLICT DO NOTHING

-- name: insert_emergencies (tags text[], gis text[], indexes bigint[], at bigint)
INSERT INTO emergencies (tag, gi, index, accepted_at)
SELECT tag, gi, index, $at FROM unnest($tags, $gis, $indexes) AS u (tag, gi, index)
ON CONFLICT DO NOTHING

-- name: insert_questions (ids text[], terms text[])
INSERT INTO open_questions (message_id, term)
SELECT id::uuid, term::date FROM unnest($ids, $terms) AS u (id, term)

-- name: delete_questions (ids text[])
DELETE FROM open_questions WHERE message_id = ANY($ids::uuid[])

-- name: insert_notices (recipients text[], kinds text[], records text[], indexes bigint[], at bigint)
INSERT INTO notices (recipient, kind, record_id, index, at)
SELECT recipient, kind, record::uuid, index, $at
FROM unnest($recipients, $kinds, $records, $indexes) AS u (recipient, kind, record, index)
ON CONFLICT DO NOTHING

-- name: insert_withdrawal_notices (ids text[], families text[], indexes bigint[], at bigint)
INSERT INTO notices (recipient, kind, message_id, record_id, index, at)
SELECT DISTINCT m.recipient, 'consent-withdrawn', m.id, u.id::uuid, u.index, $at
FROM unnest($ids, $families, $indexes) AS u (id, family, index)
JOIN reliances r ON r.record_id = ANY(u.family::uuid[])
JOIN messages m ON m.id = r.message_id
ON CONFLICT DO NOTHING

-- name: insert_reviews (abouts text[], marks text[], indexes bigint[], senders text[], recipients text[])
INSERT INTO reviews (about, mark, index, sender, recipient)
SELECT about::uuid, mark, index, sender, recipient
FROM unnest($abouts, $marks, $indexes, $senders, $recipients) AS u (about, mark, index, sender, recipient)
ON CONFLICT DO NOTHING

-- name: close_reviews (abouts text[], marks text[], indexes bigint[], tokens text[])
UPDATE reviews r SET closed = u.index, token = u.token
FROM unnest($abouts, $marks, $indexes, $tokens) AS u (about, mark, index, token)
WHERE r.about = u.about::uuid AND r.mark = u.mark

-- name: answer_reviews (abouts text[], marks text[], parties text[], indexes bigint[], tokens text[])
INSERT INTO review_answers (about, mark, party, index, token)
SELECT about::uuid, mark, party, index, token
FROM unnest($abouts, $marks, $parties, $indexes, $tokens) AS u (about, mark, party, index, token)
ON CONFLICT (about, mark, party) DO UPDATE SET index = excluded.index, token = excluded.token

------------------------------------------------------------------------------------------------------------------------

-- name: persons (tags text[])
WITH RECURSIVE person (asked, tag) AS (
    SELECT asked, asked FROM unnest($tags) AS u (asked)
    UNION
    SELECT p.asked, l.other FROM person p JOIN linked_tags l ON l.tag = p.tag
)
SELECT p.asked, p.tag, r.kind, r.id::text AS id, r.index, r.token, e.entry
FROM person p
LEFT JOIN person_records r ON r.tag = p.tag
LEFT JOIN log_entries e ON e.index = r.index
ORDER BY r.index

-- name: person_record (id text)
SELECT r.kind, r.id::text AS id, r.index, r.token, e.entry
FROM person_records r JOIN log_entries e ON e.index = r.index
WHERE r.id = $id::uuid

-- name: is_party_about (tag text, oin text)
SELECT EXISTS (
    SELECT 1 FROM kept_records k JOIN log_entries e ON e.index = k.index
    WHERE k.tag = $tag AND e.kind IN ('SUBMISSION', 'DISCLOSURE') AND (e.sender = $oin OR e.recipient = $oin)
)

-- name: emergencies (tags text[], gis text[])
WITH RECURSIVE person (asked, tag) AS (
    SELECT asked, asked FROM unnest($tags) AS u (asked)
    UNION
    SELECT p.asked, l.other FROM person p JOIN linked_tags l ON l.tag = p.tag
)
SELECT p.asked, e.gi, e.index, e.accepted_at
FROM person p JOIN emergencies e ON e.tag = p.tag AND e.gi = ANY($gis)

-- name: ever_released (id text)
SELECT released FROM disclosures WHERE message_id = $id::uuid

-- name: recall_of (id text)
SELECT r.index, r.token, e.entry FROM recalls r JOIN log_entries e ON e.index = r.index
WHERE r.message_id = $id::uuid

-- name: replies_to (id text)
SELECT a.id::text, a.index, a.type FROM messages q JOIN messages a ON a.reply_to = q.id AND a.sender = q.recipient
WHERE q.id = $id::uuid ORDER BY a.index

-- name: notices (recipient text, after bigint, limit bigint)
SELECT number, kind, message_id::text, record_id::text, index, at FROM notices
WHERE recipient = $recipient AND number > $after ORDER BY number LIMIT $limit

-- name: notified_by (index bigint)
SELECT number, recipient FROM notices WHERE index = $index ORDER BY number

-- name: remind_of_questions (today text, soon text, at bigint)
WITH locked AS MATERIALIZED (
    SELECT one FROM log_tree WHERE one FOR UPDATE
), due AS (
    UPDATE open_questions q SET told = CASE WHEN q.term <= $today::date THEN 2 ELSE 1 END
    FROM locked
    WHERE q.term <= $soon::date AND (q.told < 1 OR (q.told < 2 AND q.term <= $today::date))
    RETURNING q.message_id, q.told
)
INSERT INTO notices (recipient, kind, message_id, at)
SELECT side.oin, CASE WHEN d.told = 2 THEN 'question-due' ELSE 'question-soon' END, m.id, $at
FROM due d JOIN messages m ON m.id = d.message_id CROSS JOIN LATERAL (VALUES (m.sender), (m.recipient)) AS side (oin)
ON CONFLICT DO NOTHING
RETURNING number, recipient

-- name: notice_denied (ids text[], at bigint)
WITH new AS MATERIALIZED (
    SELECT m.id, m.sender FROM messages m
    WHERE m.id = ANY($ids::uuid[]) AND NOT EXISTS (
        SELECT 1 FROM notices n WHERE n.recipient = m.sender AND n.kind = 'release-denied' AND n.message_id = m.id
    )
), locked AS MATERIALIZED (
    SELECT one FROM log_tree WHERE one AND EXISTS (SELECT 1 FROM new) FOR UPDATE
)
INSERT INTO notices (recipient, kind, message_id, at)
SELECT new.sender, 'release-denied', new.id, $at FROM new CROSS JOIN locked
ON CONFLICT DO NOTHING
RETURNING number, recipient

-- name: denied_since (id text)
SELECT n.at FROM notices n JOIN messages m ON m.id = n.message_id AND m.sender = n.recipient
WHERE m.id = $id::uuid AND n.kind = 'release-denied'

-- name: reviews_of_all (after bigint, limit bigint)
SELECT r.number, r.about::text AS about, r.mark, r.index, r.sender, r.recipient, r.closed, r.token, (
    SELECT json_agg(json_build_array(a.party, a.index, a.token) ORDER BY a.index)::text
    FROM review_answers a WHERE a.about = r.about AND a.mark = r.mark
) AS answers
FROM reviews r
WHERE r.number > $after AND r.closed IS NULL ORDER BY r.number LIMIT $limit

-- name: reviews_of_party (party text, after bigint, limit bigint)
SELECT r.number, r.about::text AS about, r.mark, r.index, r.sender, r.recipient, r.closed, r.token, (
    SELECT json_agg(json_build_array(a.party, a.index, a.token) ORDER BY a.index)::text
    FROM review_answers a WHERE a.about = r.about AND a.mark = r.mark
) AS answers
FROM (
    (SELECT * FROM reviews WHERE sender = $party AND number > $after AND closed IS NULL ORDER BY number LIMIT $limit)
    UNION
    (SELECT * FROM reviews WHERE recipient = $party AND number > $after AND closed IS NULL ORDER BY number LIMIT $limit)
) r
ORDER BY r.number LIMIT $limit

-- name: review (about text, mark text)
SELECT r.number, r.about::text AS about, r.mark, r.index, r.sender, r.recipient, r.closed, r.token, (
    SELECT json_agg(json_build_array(a.party, a.index, a.token) ORDER BY a.index)::text
    FROM review_answers a WHERE a.about = r.about AND a.mark = r.mark
) AS answers
FROM reviews r
WHERE r.about = $about::uuid AND r.mark = $mark
