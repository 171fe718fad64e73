-- Who else may write into an app's log, and how much of the log is kept.
CREATE TABLE log_inputs (
    id         TEXT PRIMARY KEY,
    app_id     TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    name       TEXT NOT NULL,
    token_hash BYTEA NOT NULL UNIQUE,
    created_at BIGINT NOT NULL,
    UNIQUE (app_id, name)
);
CREATE TABLE log_retention (
    app_id TEXT PRIMARY KEY REFERENCES apps (id) ON DELETE CASCADE,
    lines  BIGINT NOT NULL,
    bytes  BIGINT NOT NULL,
    age    BIGINT NOT NULL
);
