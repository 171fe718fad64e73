-- When the next letter of a kind may go to an address, or be asked for by an account.
CREATE TABLE letter_turns (
    whom    TEXT NOT NULL,
    kind    TEXT NOT NULL,
    next_at BIGINT NOT NULL,
    PRIMARY KEY (whom, kind)
);
