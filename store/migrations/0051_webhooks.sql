-- Who is told about what happens to an app. No row goes with its app: the last
-- delivery is of the app's end; retention removes them afterwards.
CREATE TABLE webhooks (
    id            TEXT PRIMARY KEY,
    app_id        TEXT NOT NULL,
    url           BYTEA NOT NULL,       -- sealed: it may hold credentials
    secret        BYTEA NOT NULL,       -- sealed
    authorization_header BYTEA NOT NULL,  -- sealed
    include       TEXT NOT NULL,
    level         TEXT NOT NULL,
    since         BIGINT NOT NULL,      -- events after this revision are its
    created_at    BIGINT NOT NULL,
    updated_at    BIGINT NOT NULL
);
CREATE INDEX webhooks_app ON webhooks (app_id);
CREATE TABLE webhook_events (
    id         TEXT PRIMARY KEY,
    app_id     TEXT NOT NULL,
    seq        BIGINT NOT NULL,
    include    TEXT NOT NULL,
    payload    TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX webhook_events_app ON webhook_events (app_id, seq);
CREATE TABLE webhook_deliveries (
    id         TEXT PRIMARY KEY,
    app_id     TEXT NOT NULL,
    webhook_id TEXT NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    event_id   TEXT NOT NULL REFERENCES webhook_events (id) ON DELETE CASCADE,
    seq        BIGINT NOT NULL,
    status     TEXT NOT NULL,
    attempts   BIGINT NOT NULL,
    next_at    BIGINT NOT NULL,      -- of the next attempt; 0: none
    attempt    TEXT NOT NULL,        -- the last one, as JSON; {} before it
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX webhook_deliveries_app ON webhook_deliveries (app_id, seq);
CREATE INDEX webhook_deliveries_next ON webhook_deliveries (webhook_id, next_at);
