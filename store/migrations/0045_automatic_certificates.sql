-- Certificates that the platform gets for custom domains by itself.
ALTER TABLE apps ADD COLUMN acm BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE sni_endpoints ADD COLUMN automatic BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE domains ADD COLUMN acm_status TEXT NOT NULL DEFAULT '';
ALTER TABLE domains ADD COLUMN acm_reason TEXT NOT NULL DEFAULT '';
ALTER TABLE domains ADD COLUMN acm_tries BIGINT NOT NULL DEFAULT 0;
ALTER TABLE domains ADD COLUMN acm_next BIGINT NOT NULL DEFAULT 0;
CREATE TABLE acme_challenges (
    app_id TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    host   TEXT NOT NULL,
    token  TEXT NOT NULL,
    answer TEXT NOT NULL,
    PRIMARY KEY (app_id, host, token)
);
-- The platform's accounts at certificate authorities, with their keys, sealed.
CREATE TABLE acme_accounts (
    directory TEXT PRIMARY KEY,
    account   BYTEA NOT NULL
);
