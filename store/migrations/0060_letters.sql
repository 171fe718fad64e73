-- E-mails on their way: what they say is sealed, for tokens are in it.
CREATE TABLE letters (
    id         TEXT PRIMARY KEY,
    recipient  TEXT NOT NULL,
    subject    TEXT NOT NULL,
    body       BYTEA NOT NULL,
    tries      BIGINT NOT NULL,
    next_at    BIGINT NOT NULL,
    until      BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX letters_next ON letters (next_at);
