-- What is stated about persons, and what follows from it: consents, measures, links, recalls, questions, emergencies,
-- notices and what somebody has to look at.
--
-- `index` is everywhere the place of the log entry that the row became true with. Everything is written under the tree's
-- lock, so numbers that are drawn here are in the order of commit.

CREATE TABLE person_records (
    id uuid PRIMARY KEY,
    index bigint NOT NULL,
    kind text NOT NULL,                     -- CONSENT, MEASURE or LINK
    tag text NOT NULL,                      -- of a LINK: the pseudonym that was drawn
    token text NOT NULL
);
CREATE INDEX person_records_tag ON person_records (tag, index);

-- Both ways, so that the pseudonyms of one person are found from each of them.
CREATE TABLE linked_tags (
    tag text NOT NULL,
    other text NOT NULL,
    PRIMARY KEY (tag, other)
);

CREATE TABLE recalls (
    message_id uuid PRIMARY KEY,
    index bigint NOT NULL,
    token text NOT NULL
);

-- Which released messages rest on which records.
CREATE TABLE reliances (
    record_id uuid NOT NULL,
    message_id uuid NOT NULL,
    PRIMARY KEY (record_id, message_id)
);

-- Emergency messages by person and acting GI: from the first one without a measure statement the hours count.
CREATE TABLE emergencies (
    tag text NOT NULL,
    gi text NOT NULL,
    index bigint NOT NULL,
    accepted_at bigint NOT NULL,
    PRIMARY KEY (tag, gi, index)
);

-- Questions that are neither answered nor gone.
CREATE TABLE open_questions (
    message_id uuid PRIMARY KEY,
    term date NOT NULL,
    told smallint NOT NULL DEFAULT 0        -- 1: that the term comes; 2: that it has come
);
CREATE INDEX open_questions_term ON open_questions (term);
CREATE INDEX messages_reply_to ON messages (reply_to) WHERE reply_to IS NOT NULL;

CREATE TABLE notices (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    recipient text NOT NULL,
    kind text NOT NULL,
    message_id uuid,
    record_id uuid,
    index bigint,                           -- null where no entry says it: a term that comes
    at bigint NOT NULL                      -- seconds
);
CREATE INDEX notices_recipient ON notices (recipient, number);
CREATE INDEX notices_index ON notices (index) WHERE index IS NOT NULL;
CREATE UNIQUE INDEX notices_once ON notices (recipient, kind, message_id, record_id) NULLS NOT DISTINCT;

CREATE TABLE reviews (
    about uuid NOT NULL,
    mark text NOT NULL,
    number bigint GENERATED ALWAYS AS IDENTITY,
    index bigint NOT NULL,
    sender text NOT NULL,
    recipient text NOT NULL,
    closed bigint,                          -- index of the REVIEW entry
    token text,                             -- what closed it, as it was signed
    PRIMARY KEY (about, mark)
);
CREATE INDEX reviews_number ON reviews (number);
CREATE INDEX reviews_open ON reviews (number) WHERE closed IS NULL;
CREATE INDEX reviews_sender ON reviews (sender, number);
CREATE INDEX reviews_recipient ON reviews (recipient, number);

CREATE OR REPLACE VIEW stored_messages AS
SELECT m.*, b.jws, b.sealed_key, b.hashes,
       e.entry, s.text AS shown, s.salt AS shown_salt,
       d.index AS disclosure_index, d.released, d.released_digest,
       de.entry AS disclosure_entry, ds.text AS disclosure_shown, ds.salt AS disclosure_salt,
       r.index AS receipt_index, r.receipt, r.accepted, re.entry AS receipt_entry,
       x.index AS expiry_index, c.index AS recall_index
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
LEFT JOIN expiries x ON x.message_id = m.id
LEFT JOIN recalls c ON c.message_id = m.id;
