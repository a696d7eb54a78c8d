-- The exchange: messages and what became of them, the directory, chain keys, identifiers used.
--
-- `index` is everywhere the place of the log entry that the row became true with. Rows are inserted and, but for what
-- waits and what is forgotten, never changed. There are no foreign keys: every write happens under the tree's lock,
-- where it was read before that what it refers to is there.

CREATE SEQUENCE body_blocks AS integer;     -- each process numbers its bodies in a block of its own

CREATE TABLE message_bodies (
    body bigint PRIMARY KEY,
    jws text NOT NULL,
    sealed_key bytea NOT NULL,
    hashes bytea NOT NULL
);
ALTER TABLE message_bodies ALTER COLUMN jws SET STORAGE EXTERNAL,
                           ALTER COLUMN sealed_key SET STORAGE EXTERNAL,
                           ALTER COLUMN hashes SET STORAGE EXTERNAL;    -- none of it compresses

CREATE TABLE ciphertexts (
    body bigint PRIMARY KEY,
    numbers integer[] NOT NULL,             -- of the elements, in the order in which they lie in data
    lengths integer[] NOT NULL,
    data bytea NOT NULL
);
ALTER TABLE ciphertexts ALTER COLUMN data SET STORAGE EXTERNAL;

CREATE TABLE messages (
    id uuid PRIMARY KEY,
    index bigint NOT NULL,
    body bigint NOT NULL,
    sender text NOT NULL,
    recipient text NOT NULL,
    type text NOT NULL,
    purpose text NOT NULL,
    case_id text NOT NULL,
    reply_to uuid,
    issued_at bigint NOT NULL,
    pickup_by bigint NOT NULL,
    accepted_at bigint NOT NULL,
    sealing_kid text NOT NULL,
    permitted integer[] NOT NULL,
    tags text[] NOT NULL,
    elements_bytes bigint NOT NULL,
    trace_id text NOT NULL
);

-- Messages without receipt and not expired.
CREATE TABLE waiting (
    recipient text NOT NULL,
    index bigint NOT NULL,
    id uuid NOT NULL,
    pickup_by bigint NOT NULL,
    PRIMARY KEY (recipient, index)
);
CREATE INDEX waiting_pickup_by ON waiting (pickup_by);

-- A chain for each message: each disclosure replaces the one before it, so two can never replace the same.
CREATE TABLE disclosures (
    message_id uuid NOT NULL,
    replaces bigint NOT NULL,               -- index of the disclosure before; -1 for the first
    index bigint NOT NULL,
    released integer[] NOT NULL,
    released_digest text NOT NULL,
    PRIMARY KEY (message_id, replaces)
);

CREATE TABLE receipts (
    message_id uuid PRIMARY KEY,
    index bigint NOT NULL,
    disclosure_index bigint NOT NULL,
    accepted boolean NOT NULL,
    receipt text NOT NULL
);
CREATE INDEX receipts_refused ON receipts (message_id) WHERE NOT accepted;

CREATE TABLE expiries (
    message_id uuid PRIMARY KEY,
    index bigint NOT NULL
);

CREATE TABLE refusals (
    message_digest text PRIMARY KEY,
    sender text NOT NULL,
    time bigint NOT NULL,
    index bigint NOT NULL
);
CREATE INDEX refusals_sender ON refusals (sender, time);

CREATE TABLE participants (
    index bigint PRIMARY KEY,
    oin text NOT NULL,
    admission text,
    statement text,
    replaced text
);
CREATE INDEX participants_oin ON participants (oin, index);

CREATE TABLE chain_epochs (
    epoch bigint PRIMARY KEY,
    index bigint NOT NULL,
    signed text NOT NULL
);

CREATE TABLE catalogues (
    index bigint PRIMARY KEY,
    document text NOT NULL,
    digest text NOT NULL,
    version text NOT NULL,
    text bytea NOT NULL
);
CREATE INDEX catalogues_document ON catalogues (document, index);

CREATE TABLE chain_key_handovers (
    id uuid PRIMARY KEY,
    giver text NOT NULL,
    receiver text NOT NULL,
    epoch bigint NOT NULL,
    handover text NOT NULL
);
CREATE INDEX chain_key_handovers_receiver ON chain_key_handovers (receiver, epoch);

CREATE TABLE used_identifiers (
    issuer text NOT NULL,
    identifier text NOT NULL,
    until bigint NOT NULL,
    PRIMARY KEY (issuer, identifier)
);
CREATE INDEX used_identifiers_until ON used_identifiers (until);

CREATE VIEW stored_messages AS
SELECT m.*, b.jws, b.sealed_key, b.hashes,
       e.entry, s.text AS shown, s.salt AS shown_salt,
       d.index AS disclosure_index, d.released, d.released_digest,
       de.entry AS disclosure_entry, ds.text AS disclosure_shown, ds.salt AS disclosure_salt,
       r.index AS receipt_index, r.receipt, r.accepted, re.entry AS receipt_entry,
       x.index AS expiry_index
FROM messages m
JOIN message_bodies b ON b.body = m.body
JOIN log_entries e ON e.index = m.index
LEFT JOIN shown_records s ON s.index = e.index AND s.time = e.time
LEFT JOIN LATERAL (
    SELECT * FROM disclosures WHERE message_id = m.id ORDER BY replaces DESC LIMIT 1
) d ON true
LEFT JOIN log_entries de ON de.index = d.index
LEFT JOIN shown_records ds ON ds.index = de.index AND ds.time = de.time
LEFT JOIN receipts r ON r.message_id = m.id
LEFT JOIN log_entries re ON re.index = r.index
LEFT JOIN expiries x ON x.message_id = m.id;
