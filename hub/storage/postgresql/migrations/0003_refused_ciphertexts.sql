-- Ciphertexts that stay after their recipient refused the message, until its time is over. A sweep that looked for them
-- among all receipts would take longer every year.

CREATE TABLE refused_ciphertexts (
    body bigint PRIMARY KEY,
    until bigint NOT NULL
);
CREATE INDEX refused_ciphertexts_until ON refused_ciphertexts (until);

DROP INDEX receipts_refused;
