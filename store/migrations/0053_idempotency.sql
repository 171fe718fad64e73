-- Answers to requests that carried an Idempotency-Key, for a day, so that one that is sent
-- again is not done again.
CREATE TABLE idempotency (
    account_id  TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    key         TEXT NOT NULL,
    fingerprint BYTEA NOT NULL,
    status      BIGINT NOT NULL,  -- 0: not answered yet
    body        BYTEA,            -- sealed: it may hold a token
    created_at  BIGINT NOT NULL,
    PRIMARY KEY (account_id, key)
);
CREATE INDEX idempotency_created ON idempotency (created_at);
