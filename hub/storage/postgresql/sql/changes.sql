-- What changes with a log entry: read and written under the tree's lock, but for the bodies. See 0002_exchange.sql.

-- name: next_body_block
SELECT nextval('body_blocks')

-- name: insert_bodies
INSERT INTO message_bodies (body, jws, sealed_key, hashes)
SELECT body, jws, sealed_key, hashes
FROM unnest(%(bodies)s, %(jws)s, %(sealed_keys)s, %(hashes)s) AS u (body, jws, sealed_key, hashes)

-- name: insert_ciphertexts
INSERT INTO ciphertexts (body, numbers, lengths, data)
SELECT body, numbers::integer[], lengths::integer[], data
FROM unnest(%(bodies)s, %(numbers)s, %(lengths)s, %(data)s) AS u (body, numbers, lengths, data)

-- name: delete_bodies
DELETE FROM message_bodies WHERE body = ANY(%(bodies)s)

-- name: delete_ciphertexts
DELETE FROM ciphertexts WHERE body = ANY(%(bodies)s)

-- name: message_states
SELECT m.id::text, m.body, m.recipient, m.index, d.index, r.message_id IS NOT NULL, x.message_id IS NOT NULL
FROM messages m
LEFT JOIN LATERAL (
    SELECT index FROM disclosures WHERE message_id = m.id ORDER BY replaces DESC LIMIT 1
) d ON true
LEFT JOIN receipts r ON r.message_id = m.id
LEFT JOIN expiries x ON x.message_id = m.id
WHERE m.id = ANY(%(ids)s::uuid[])

-- name: refusals_known
SELECT message_digest FROM refusals WHERE message_digest = ANY(%(digests)s)

-- name: refusals_counted
SELECT sender, count(*) FROM refusals WHERE sender = ANY(%(senders)s) AND time > %(since)s GROUP BY sender

-- name: newest_participants
SELECT oin, max(index) FROM participants WHERE oin = ANY(%(oins)s) GROUP BY oin

-- name: epochs_known
SELECT epoch FROM chain_epochs WHERE epoch = ANY(%(epochs)s)

-- name: newest_catalogues
SELECT DISTINCT ON (document) document, digest FROM catalogues ORDER BY document, index DESC

-- name: insert_messages
INSERT INTO messages (id, index, body, sender, recipient, type, purpose, case_id, reply_to, issued_at, pickup_by,
                      accepted_at, sealing_kid, permitted, tags, elements_bytes, trace_id)
SELECT id::uuid, index, body, sender, recipient, type, purpose, case_id, reply_to::uuid, issued_at, pickup_by,
       %(accepted_at)s, sealing_kid, permitted::integer[], tags::text[], elements_bytes, trace_id
FROM unnest(%(ids)s, %(indexes)s, %(bodies)s, %(senders)s, %(recipients)s, %(types)s, %(purposes)s, %(cases)s,
            %(replies)s, %(issued)s, %(pickups)s, %(kids)s, %(permitted)s, %(tags)s, %(sizes)s, %(traces)s)
    AS u (id, index, body, sender, recipient, type, purpose, case_id, reply_to, issued_at, pickup_by,
          sealing_kid, permitted, tags, elements_bytes, trace_id)

-- name: insert_waiting
INSERT INTO waiting (recipient, index, id, pickup_by)
SELECT recipient, index, id::uuid, pickup_by
FROM unnest(%(recipients)s, %(indexes)s, %(ids)s, %(pickups)s) AS u (recipient, index, id, pickup_by)

-- name: delete_waiting
DELETE FROM waiting w USING unnest(%(recipients)s, %(indexes)s) AS u (recipient, index)
WHERE w.recipient = u.recipient AND w.index = u.index

-- name: insert_disclosures
INSERT INTO disclosures (message_id, replaces, index, released, released_digest)
SELECT id::uuid, replaces, index, released::integer[], released_digest
FROM unnest(%(ids)s, %(replaces)s, %(indexes)s, %(released)s, %(digests)s)
    AS u (id, replaces, index, released, released_digest)

-- name: insert_receipts
INSERT INTO receipts (message_id, index, disclosure_index, accepted, receipt)
SELECT id::uuid, index, disclosure_index, accepted, receipt
FROM unnest(%(ids)s, %(indexes)s, %(disclosures)s, %(accepted)s, %(receipts)s)
    AS u (id, index, disclosure_index, accepted, receipt)

-- name: insert_expiries
INSERT INTO expiries (message_id, index)
SELECT id::uuid, index FROM unnest(%(ids)s, %(indexes)s) AS u (id, index)

-- name: insert_refusals
INSERT INTO refusals (message_digest, sender, time, index)
SELECT message_digest, sender, %(time)s, index
FROM unnest(%(digests)s, %(senders)s, %(indexes)s) AS u (message_digest, sender, index)

-- name: insert_participants
INSERT INTO participants (index, oin, admission, statement, replaced)
SELECT * FROM unnest(%(indexes)s, %(oins)s, %(admissions)s, %(statements)s, %(replaced)s)

-- name: insert_epochs
INSERT INTO chain_epochs (epoch, index, signed) SELECT * FROM unnest(%(epochs)s, %(indexes)s, %(signed)s)

-- name: insert_catalogues
INSERT INTO catalogues (index, document, digest, version, text)
SELECT * FROM unnest(%(indexes)s, %(documents)s, %(digests)s, %(versions)s, %(texts)s)
