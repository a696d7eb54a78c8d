-- Which messages of canaries passed and were not refused since; empty while nothing passed.
--
-- `form` is a digest of what the decision reads of a message (`hub.exchange.canaries.form_of`): the canary's next round
-- has other identifiers and the same form.

CREATE TABLE canary_passes (
    form text PRIMARY KEY,
    canary text NOT NULL,
    purpose text NOT NULL,
    type text NOT NULL
);

-- Of what passed at the stop; null where nobody knows: the log was refilled, or software from before this stopped.
ALTER TABLE stops ADD COLUMN form text;
