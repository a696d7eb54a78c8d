-- What changes with a log entry: read and written under the tree's lock, but for the bodies. See 0002_exchange.sql.

-- name: next_body_block ()
SELECT nextval('body_blocks')

-- name: insert_bodies (bodies bigint[], jws text[], sealed_keys bytea[], hashes bytea[])
INSERT INTO message_bodies (body, jws, sealed_key, hashes)
SELECT body, jws, sealed_key, hashes
FROM unnest($bodies, $jws, $sealed_keys, $hashes) AS u (body, jws, sealed_key, hashes)

-- name: insert_ciphertexts (bodies bigint[], numbers text[], lengths text[], data bytea[])
INSERT INTO ciphertexts (body, numbers, lengths, data)
SELECT body, numbers::integer[], lengths::integer[], data
FROM unnest($bodies, $numbers, $lengths, $data) AS u (body, numbers, lengths, data)

-- name: delete_bodies (bodies bigint[])
DELETE FROM message_bodies WHERE body = ANY($bodies)

-- name: delete_ciphertexts (bodies bigint[])
DELETE FROM ciphertexts WHERE body = ANY($bodies)

-- name: message_states (ids text[])
SELECT m.id::text, m.body, m.sender, m.recipient, m.pickup_by, m.index, d.index,
       r.message_id IS NOT NULL, x.message_id IS NOT NULL, c.message_id IS NOT NULL
FROM messages m
LEFT JOIN LATERAL (
    SELECT index FROM disclosures WHERE message_id = m.id ORDER BY replaces DESC LIMIT 1
) d ON true
LEFT JOIN receipts r ON r.message_id = m.id
LEFT JOIN expiries x ON x.message_id = m.id
LEFT JOIN recalls c ON c.message_id = m.id
WHERE m.id = ANY($ids::uuid[])

-- name: refusals_known (digests text[])
SELECT message_digest FROM refusals WHERE message_digest = ANY($digests)

-- name: refusals_counted (senders text[], since bigint)
SELECT sender, count(*) FROM refusals WHERE sender = ANY($senders) AND time > $since GROUP BY sender

-- name: newest_participants (oins text[])
SELECT oin, max(index) FROM participants WHERE oin = ANY($oins) GROUP BY oin

-- name: epochs_known (epochs bigint[])
SELECT epoch FROM chain_epochs WHERE epoch = ANY($epochs)

-- name: newest_catalogues ()
SELECT DISTINCT ON (document) document, digest FROM catalogues ORDER BY document, index DESC

-- name: insert_messages (ids text[], indexes bigint[], bodies bigint[], senders text[], recipients text[],
--     types text[], purposes text[], cases text[], replies text[], issued bigint[], pickups bigint[],
--     accepted_at bigint, kids text[], permitted text[], tags text[], sizes bigint[], traces text[])
INSERT INTO messages (id, index, body, sender, recipient, type, purpose, case_id, reply_to, issued_at, pickup_by,
                      accepted_at, sealing_kid, permitted, tags, elements_bytes, trace_id)
SELECT id::uuid, index, body, sender, recipient, type, purpose, case_id, reply_to::uuid, issued_at, pickup_by,
       $accepted_at, sealing_kid, permitted::integer[], tags::text[], elements_bytes, trace_id
FROM unnest($ids, $indexes, $bodies, $senders, $recipients, $types, $purposes, $cases,
            $replies, $issued, $pickups, $kids, $permitted, $tags, $sizes, $traces)
    AS u (id, index, body, sender, recipient, type, purpose, case_id, reply_to, issued_at, pickup_by,
          sealing_kid, permitted, tags, elements_bytes, trace_id)

-- name: insert_waiting (recipients text[], indexes bigint[], ids text[], pickups bigint[])
INSERT INTO waiting (recipient, index, id, pickup_by)
SELECT recipient, index, id::uuid, pickup_by
FROM unnest($recipients, $indexes, $ids, $pickups) AS u (recipient, index, id, pickup_by)

-- name: delete_waiting (recipients text[], indexes bigint[])
DELETE FROM waiting w USING unnest($recipients, $indexes) AS u (recipient, index)
WHERE w.recipient = u.recipient AND w.index = u.index

-- name: insert_disclosures (ids text[], replaces bigint[], indexes bigint[], released text[], digests text[])
INSERT INTO disclosures (message_id, replaces, index, released, released_digest)
SELECT id::uuid, replaces, index, released::integer[], released_digest
FROM unnest($ids, $replaces, $indexes, $released, $digests)
    AS u (id, replaces, index, released, released_digest)

-- name: insert_receipts (ids text[], indexes bigint[], disclosures bigint[], accepted boolean[], receipts text[])
INSERT INTO receipts (message_id, index, disclosure_index, accepted, receipt)
SELECT id::uuid, index, disclosure_index, accepted, receipt
FROM unnest($ids, $indexes, $disclosures, $accepted, $receipts)
    AS u (id, index, disclosure_index, accepted, receipt)

-- name: insert_refused_ciphertexts (bodies bigint[], until bigint[])
INSERT INTO refused_ciphertexts (body, until) SELECT * FROM unnest($bodies, $until)

-- name: insert_expiries (ids text[], indexes bigint[])
INSERT INTO expiries (message_id, index)
SELECT id::uuid, index FROM unnest($ids, $indexes) AS u (id, index)

-- name: insert_refusals (digests text[], senders text[], time bigint, indexes bigint[])
INSERT INTO refusals (message_digest, sender, time, index)
SELECT message_digest, sender, $time, index
FROM unnest($digests, $senders, $indexes) AS u (message_digest, sender, index)

-- name: insert_participants (indexes bigint[], oins text[], admissions text[], statements text[], replaced text[])
INSERT INTO participants (index, oin, admission, statement, replaced)
SELECT * FROM unnest($indexes, $oins, $admissions, $statements, $replaced)

-- name: insert_epochs (epochs bigint[], indexes bigint[], signed text[])
INSERT INTO chain_epochs (epoch, index, signed) SELECT * FROM unnest($epochs, $indexes, $signed)

-- name: insert_catalogues (indexes bigint[], documents text[], digests text[], versions text[])
INSERT INTO catalogues (index, document, digest, version)
SELECT * FROM unnest($indexes, $documents, $digests, $versions)
