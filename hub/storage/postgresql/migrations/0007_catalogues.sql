-- The life of the catalogue of grounds: who is on the board, which steps its members took, and the texts of what they
-- are about. `index` is everywhere the place of the log entry that the row became true with.

CREATE TABLE boards (
    id uuid PRIMARY KEY,
    index bigint NOT NULL,
    token text NOT NULL
);

CREATE TABLE catalogue_steps (
    id uuid PRIMARY KEY,
    index bigint NOT NULL,
    proposal uuid NOT NULL,                 -- the step that proposed; of a proposal: itself
    digest text NOT NULL UNIQUE,            -- of the token, as entries name it
    token text NOT NULL
);
CREATE INDEX catalogue_steps_proposal ON catalogue_steps (proposal, index);
CREATE INDEX catalogue_proposals ON catalogue_steps (index) WHERE id = proposal;

-- What entries and steps name by its digest: catalogues, definitions, reports, advice. Each text is here once.
CREATE TABLE documents (
    digest text PRIMARY KEY,
    text bytea NOT NULL
);

INSERT INTO documents (digest, text)
SELECT DISTINCT ON (digest) digest, text FROM catalogues WHERE length(text) > 0 ORDER BY digest, index;

ALTER TABLE catalogues DROP COLUMN text;
