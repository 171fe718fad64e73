-- An app's key stays while webhooks of the app, which do not go with it, are sealed with it.
CREATE TABLE app_keys_new (
    app_id     TEXT PRIMARY KEY,
    sealed     BYTEA NOT NULL,
    created_at BIGINT NOT NULL
);
INSERT INTO app_keys_new (app_id, sealed, created_at) SELECT app_id, sealed, created_at FROM app_keys;
DROP TABLE app_keys;
ALTER TABLE app_keys_new RENAME TO app_keys;
