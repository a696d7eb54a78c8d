-- Reading the exchange, and what is kept without a log entry. See 0002_exchange.sql.

-- name: messages_by_id
SELECT * FROM stored_messages WHERE id = ANY(%(ids)s::uuid[])

-- name: messages_expired
SELECT s.* FROM stored_messages s
WHERE s.id IN (SELECT id FROM waiting WHERE pickup_by <= %(at)s ORDER BY pickup_by LIMIT %(limit)s)
ORDER BY s.index

-- name: messages_uncollected
SELECT s.* FROM stored_messages s
WHERE s.id IN (
    SELECT w.id FROM waiting w JOIN messages m ON m.id = w.id
    WHERE m.accepted_at < %(accepted_before)s ORDER BY w.index LIMIT %(limit)s
)
ORDER BY s.index

-- name: ciphertexts
SELECT m.id::text, c.numbers, c.lengths, c.data
FROM messages m JOIN ciphertexts c ON c.body = m.body
WHERE m.id = ANY(%(ids)s::uuid[])

-- name: inbox
SELECT w.index, w.id::text, m.type, m.sender, m.elements_bytes, w.pickup_by
FROM waiting w JOIN messages m ON m.id = w.id
WHERE w.recipient = %(recipient)s AND w.index > %(after)s AND w.pickup_by > %(at)s
ORDER BY w.index LIMIT %(limit)s

-- name: participants_after
SELECT p.index, e.entry, p.oin, p.admission, p.statement, p.replaced
FROM participants p JOIN log_entries e ON e.index = p.index
WHERE p.index > %(after)s ORDER BY p.index

-- name: chain_epochs
SELECT c.index, e.entry, c.epoch, c.signed
FROM chain_epochs c JOIN log_entries e ON e.index = c.index ORDER BY c.epoch

-- name: store_handover
INSERT INTO chain_key_handovers (id, giver, receiver, epoch, handover)
VALUES (%(id)s::uuid, %(giver)s, %(receiver)s, %(epoch)s, %(handover)s)
ON CONFLICT DO NOTHING

-- name: handovers
SELECT id::text, giver, receiver, epoch, handover FROM chain_key_handovers
WHERE receiver = %(receiver)s ORDER BY epoch, id

-- name: records
SELECT e.index, e.kind, e.entry, s.text, s.salt
FROM (
    (SELECT * FROM log_entries WHERE sender = %(party)s AND index > %(after)s ORDER BY index LIMIT %(limit)s)
    UNION
    (SELECT * FROM log_entries WHERE recipient = %(party)s AND index > %(after)s ORDER BY index LIMIT %(limit)s)
) e
LEFT JOIN shown_records s ON s.index = e.index AND s.time = e.time
ORDER BY e.index LIMIT %(limit)s

-- name: records_of_message
SELECT e.index, e.kind, e.entry, s.text, s.salt
FROM (
    SELECT index FROM messages WHERE id = %(id)s::uuid
    UNION ALL SELECT index FROM disclosures WHERE message_id = %(id)s::uuid
    UNION ALL SELECT index FROM receipts WHERE message_id = %(id)s::uuid
    UNION ALL SELECT index FROM expiries WHERE message_id = %(id)s::uuid
) i
JOIN log_entries e ON e.index = i.index
LEFT JOIN shown_records s ON s.index = e.index AND s.time = e.time
WHERE e.index > %(after)s AND (e.sender = %(party)s OR e.recipient = %(party)s)
ORDER BY e.index LIMIT %(limit)s

-- name: use_once
INSERT INTO used_identifiers (issuer, identifier, until) VALUES (%(issuer)s, %(identifier)s, %(until)s)
ON CONFLICT DO NOTHING

-- name: forget_refused
DELETE FROM ciphertexts WHERE body IN (
    SELECT c.body FROM receipts r JOIN messages m ON m.id = r.message_id JOIN ciphertexts c ON c.body = m.body
    WHERE NOT r.accepted AND m.pickup_by <= %(at)s LIMIT %(limit)s
)

-- name: forget_identifiers
DELETE FROM used_identifiers WHERE (issuer, identifier) IN (
    SELECT issuer, identifier FROM used_identifiers WHERE until < %(at)s ORDER BY until LIMIT %(limit)s
)
