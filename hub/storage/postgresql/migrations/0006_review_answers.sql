-- What a party says of an item of the review list that only a supervisor closes: of each party the newest.

CREATE TABLE review_answers (
    about uuid NOT NULL,
    mark text NOT NULL,
    party text NOT NULL,
    index bigint NOT NULL,                  -- of the REVIEW entry
    token text NOT NULL,                    -- as it was signed
    PRIMARY KEY (about, mark, party)
);
