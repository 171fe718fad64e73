-- Where apps' log lines are sent. The URL may hold credentials: it is sealed.
CREATE TABLE log_drains (
    id         TEXT PRIMARY KEY,
    app_id     TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    token      TEXT NOT NULL UNIQUE,
    url        BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX log_drains_app ON log_drains (app_id);
