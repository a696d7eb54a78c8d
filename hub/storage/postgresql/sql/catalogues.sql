-- The life of the catalogue. See 0007_catalogues.sql.

-- name: boards ()
SELECT b.id::text, b.index, e.entry, b.token FROM boards b JOIN log_entries e ON e.index = b.index ORDER BY b.index

-- name: catalogues_enacted (limit bigint)
SELECT c.index, e.entry FROM catalogues c JOIN log_entries e ON e.index = c.index
WHERE c.document = 'grounds' ORDER BY c.index DESC LIMIT $limit

-- name: continuation ()
SELECT entry FROM log_entries WHERE index = 0 AND kind = 'CONTINUATION'

-- name: catalogue_steps (limit bigint, enacted text[])
WITH shown AS (
    (SELECT id FROM catalogue_steps WHERE id = proposal ORDER BY index DESC LIMIT $limit)
    UNION
    SELECT id FROM catalogue_steps WHERE digest = ANY($enacted)
)
SELECT s.id::text, s.index, e.entry, s.proposal::text, s.token
FROM shown JOIN catalogue_steps s ON s.proposal = shown.id JOIN log_entries e ON e.index = s.index
ORDER BY s.index

-- name: catalogue_step (id text)
SELECT s.id::text, s.index, e.entry, s.proposal::text, s.token
FROM catalogue_steps s JOIN log_entries e ON e.index = s.index WHERE s.id = $id::uuid

-- name: catalogue_ids_known (ids text[])
SELECT id::text FROM boards WHERE id = ANY($ids::uuid[])
UNION ALL SELECT id::text FROM catalogue_steps WHERE id = ANY($ids::uuid[])

-- name: document (digest text)
SELECT text FROM documents WHERE digest = $digest

-- name: insert_boards (ids text[], indexes bigint[], tokens text[])
INSERT INTO boards (id, index, token) SELECT id::uuid, index, token
FROM unnest($ids, $indexes, $tokens) AS u (id, index, token)

-- name: insert_catalogue_steps (ids text[], indexes bigint[], proposals text[], digests text[], tokens text[])
INSERT INTO catalogue_steps (id, index, proposal, digest, token) SELECT id::uuid, index, proposal::uuid, digest, token
FROM unnest($ids, $indexes, $proposals, $digests, $tokens) AS u (id, index, proposal, digest, token)

-- name: insert_documents (digests text[], texts bytea[])
INSERT INTO documents (digest, text) SELECT DISTINCT ON (digest) digest, text
FROM unnest($digests, $texts) AS u (digest, text)
ON CONFLICT DO NOTHING
