-- A key for each app, sealed with the master key: what belongs to an app is sealed with it.
CREATE TABLE app_keys (
    app_id     TEXT PRIMARY KEY REFERENCES apps (id) ON DELETE CASCADE,
    sealed     BYTEA NOT NULL,
    created_at BIGINT NOT NULL
);
