-- Reading the exchange, and what is kept without a log entry. See 0002_exchange.sql.

-- name: messages_by_id (ids text[])
SELECT * FROM stored_messages WHERE id = ANY($ids::uuid[])

-- name: messages_to_release (ids text[], small bigint)
SELECT s.*, c.numbers, c.lengths, c.data
FROM stored_messages s LEFT JOIN ciphertexts c ON c.body = s.body AND s.elements_bytes <= $small
WHERE s.id = ANY($ids::uuid[])

-- name: messages_expired (at bigint, limit bigint)
SELECT s.* FROM stored_messages s
WHERE s.id IN (SELECT id FROM waiting WHERE pickup_by <= $at ORDER BY pickup_by LIMIT $limit)
ORDER BY s.index

-- name: messages_uncollected (accepted_before bigint, limit bigint)
SELECT m.index, m.id::text, m.sender, m.recipient, m.accepted_at
FROM waiting w JOIN messages m ON m.id = w.id
WHERE m.accepted_at < $accepted_before ORDER BY w.index LIMIT $limit

-- name: ciphertexts (ids text[])
SELECT m.id::text, c.numbers, c.lengths, c.data
FROM messages m JOIN ciphertexts c ON c.body = m.body
WHERE m.id = ANY($ids::uuid[])

-- name: inbox (recipient text, after bigint, at bigint, limit bigint)
SELECT w.index, w.id::text, m.type, m.sender, m.elements_bytes, w.pickup_by
FROM waiting w JOIN messages m ON m.id = w.id
WHERE w.recipient = $recipient AND w.index > $after AND w.pickup_by > $at
ORDER BY w.index LIMIT $limit

-- name: participants_after (after bigint, limit bigint, oin text)
SELECT p.index, e.entry, p.oin, p.admission, p.statement, p.replaced
FROM participants p JOIN log_entries e ON e.index = p.index
WHERE p.index > $after AND ($oin = '' OR p.oin = $oin) ORDER BY p.index LIMIT $limit

-- name: chain_epochs ()
SELECT c.index, e.entry, c.epoch, c.signed
FROM chain_epochs c JOIN log_entries e ON e.index = c.index ORDER BY c.epoch

-- name: store_handover (id text, giver text, receiver text, epoch bigint, handover text)
INSERT INTO chain_key_handovers (id, giver, receiver, epoch, handover)
VALUES ($id::uuid, $giver, $receiver, $epoch, $handover)
ON CONFLICT DO NOTHING

-- name: handovers (receiver text)
SELECT id::text, giver, receiver, epoch, handover FROM chain_key_handovers
WHERE receiver = $receiver ORDER BY epoch, id

-- name: records (party text, after bigint, limit bigint)
SELECT e.index, e.kind, e.entry, s.text, s.salt
FROM (
    (SELECT * FROM log_entries WHERE sender = $party AND index > $after ORDER BY index LIMIT $limit)
    UNION
    (SELECT * FROM log_entries WHERE recipient = $party AND index > $after ORDER BY index LIMIT $limit)
) e
LEFT JOIN shown_records s ON s.index = e.index AND s.time = e.time
ORDER BY e.index LIMIT $limit

-- name: records_of_message (id text, party text, after bigint, limit bigint)
SELECT e.index, e.kind, e.entry, s.text, s.salt
FROM (
    SELECT index FROM messages WHERE id = $id::uuid
    UNION ALL SELECT index FROM disclosures WHERE message_id = $id::uuid
    UNION ALL SELECT index FROM receipts WHERE message_id = $id::uuid
    UNION ALL SELECT index FROM expiries WHERE message_id = $id::uuid
    UNION ALL SELECT index FROM recalls WHERE message_id = $id::uuid
) i
JOIN log_entries e ON e.index = i.index
LEFT JOIN shown_records s ON s.index = e.index AND s.time = e.time
WHERE e.index > $after AND (e.sender = $party OR e.recipient = $party)
ORDER BY e.index LIMIT $limit

-- name: records_about (sender text, tags text[], after bigint, limit bigint)
WITH RECURSIVE person (tag) AS (
    SELECT tag FROM unnest($tags) AS u (tag)
    UNION
    SELECT l.other FROM person p JOIN linked_tags l ON l.tag = p.tag
)
SELECT DISTINCT e.index, e.kind, e.entry, s.text, s.salt
FROM person p
JOIN kept_records k ON k.tag = p.tag AND k.index > $after
JOIN log_entries e ON e.index = k.index
LEFT JOIN shown_records s ON s.index = e.index AND s.time = e.time
WHERE e.sender = $sender AND e.kind IN ('SUBMISSION', 'DISCLOSURE')
ORDER BY e.index LIMIT $limit

-- name: use_once (issuer text, identifier text, until bigint)
INSERT INTO used_identifiers (issuer, identifier, until) VALUES ($issuer, $identifier, $until)
ON CONFLICT DO NOTHING

-- name: forget_refused (at bigint, limit bigint)
WITH past AS (
    DELETE FROM refused_ciphertexts WHERE body IN (
        SELECT body FROM refused_ciphertexts WHERE until <= $at ORDER BY until LIMIT $limit
    ) RETURNING body
)
DELETE FROM ciphertexts c USING past WHERE c.body = past.body

-- name: forget_identifiers (at bigint, limit bigint)
DELETE FROM used_identifiers WHERE (issuer, identifier) IN (
    SELECT issuer, identifier FROM used_identifiers WHERE until < $at ORDER BY until LIMIT $limit
)
