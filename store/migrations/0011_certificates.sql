-- Certificates that users upload for their domains. Keys are sealed.
CREATE TABLE sni_endpoints (
    id          TEXT PRIMARY KEY,
    app_id      TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    name        TEXT NOT NULL,
    chain       TEXT NOT NULL,
    private_key BYTEA NOT NULL,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL,
    UNIQUE (app_id, name)
);
ALTER TABLE domains ADD COLUMN sni_endpoint_id TEXT NOT NULL DEFAULT '';
