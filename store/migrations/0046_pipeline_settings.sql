-- What a pipeline sets for the apps of a stage, and how it makes review apps.
CREATE TABLE pipeline_config (
    pipeline_id TEXT NOT NULL REFERENCES pipelines (id) ON DELETE CASCADE,
    stage       TEXT NOT NULL,
    vars        BYTEA NOT NULL,
    PRIMARY KEY (pipeline_id, stage)
);
CREATE TABLE review_app_configs (
    pipeline_id TEXT PRIMARY KEY REFERENCES pipelines (id) ON DELETE CASCADE,
    settings    TEXT NOT NULL
);
