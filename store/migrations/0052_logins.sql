-- How people log in: a second factor, one-time tokens, OAuth clients with grants.
ALTER TABLE accounts ADD COLUMN two_factor BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE accounts ADD COLUMN totp_secret BYTEA;                    -- sealed; set before two_factor is
ALTER TABLE accounts ADD COLUMN totp_last BIGINT NOT NULL DEFAULT 0;  -- the newest counter used: none twice
ALTER TABLE accounts ADD COLUMN preferences TEXT NOT NULL DEFAULT '{}';
CREATE TABLE recovery_codes (
    account_id TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    hash       BYTEA NOT NULL,
    PRIMARY KEY (account_id, hash)
);
-- Tokens that do one thing once: a new password, a new address.
CREATE TABLE confirmations (
    hash       BYTEA PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    kind       TEXT NOT NULL,
    value      TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX confirmations_account ON confirmations (account_id, kind);
ALTER TABLE authorizations ADD COLUMN client_id TEXT REFERENCES oauth_clients (id) ON DELETE CASCADE;
ALTER TABLE authorizations ADD COLUMN refresh_id TEXT NOT NULL DEFAULT '';
ALTER TABLE authorizations ADD COLUMN refresh_hash BYTEA;
CREATE UNIQUE INDEX authorizations_refresh ON authorizations (refresh_hash);
CREATE TABLE oauth_grants (
    hash         BYTEA PRIMARY KEY,
    id           TEXT NOT NULL,
    account_id   TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    client_id    TEXT NOT NULL REFERENCES oauth_clients (id) ON DELETE CASCADE,
    scope        TEXT NOT NULL,
    description  TEXT NOT NULL,
    challenge    TEXT NOT NULL,  -- PKCE, S256; empty: none
    authorization_id TEXT NOT NULL,  -- what was made of it; empty: not used yet
    expires_at   BIGINT NOT NULL
);
