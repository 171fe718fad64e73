-- Apps being made as their app.json says. What a user gave, a source's address and
-- config vars, may hold secrets: it is sealed.
CREATE TABLE app_setups (
    id              TEXT PRIMARY KEY,
    app_id          TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    user_id         TEXT NOT NULL,
    user_email      TEXT NOT NULL,
    status          TEXT NOT NULL,
    given           BYTEA NOT NULL,
    buildpacks      TEXT NOT NULL,
    app_json        TEXT NOT NULL,
    build_id        TEXT NOT NULL,
    postdeploy      TEXT NOT NULL,
    exit_code       TEXT NOT NULL,
    failure         TEXT NOT NULL,
    errors          TEXT NOT NULL,
    created_at      BIGINT NOT NULL,
    updated_at      BIGINT NOT NULL
);
CREATE INDEX app_setups_app ON app_setups (app_id);
CREATE INDEX app_setups_pending ON app_setups (created_at) WHERE status = 'pending';
