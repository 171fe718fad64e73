-- Apps in a row, from which and to which code is promoted.
CREATE TABLE pipelines (
    id         TEXT PRIMARY KEY,
    name       TEXT NOT NULL UNIQUE,
    owner_id   TEXT NOT NULL REFERENCES accounts (id),
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE TABLE pipeline_couplings (
    id          TEXT PRIMARY KEY,
    app_id      TEXT NOT NULL UNIQUE REFERENCES apps (id) ON DELETE CASCADE,
    pipeline_id TEXT NOT NULL REFERENCES pipelines (id) ON DELETE CASCADE,
    stage       TEXT NOT NULL,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL
);
CREATE INDEX pipeline_couplings_pipeline ON pipeline_couplings (pipeline_id);
CREATE TABLE pipeline_promotions (
    id          TEXT PRIMARY KEY,
    pipeline_id TEXT NOT NULL REFERENCES pipelines (id) ON DELETE CASCADE,
    source_app  TEXT NOT NULL,
    release_id  TEXT NOT NULL,
    targets     TEXT NOT NULL,
    created_at  BIGINT NOT NULL
);
