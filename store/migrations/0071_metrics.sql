-- What apps did and used, added up by minute and by five minutes (step, in seconds).
CREATE TABLE metric_points (
    app_id TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    step   BIGINT NOT NULL,
    at     BIGINT NOT NULL,
    data   TEXT NOT NULL,
    PRIMARY KEY (app_id, step, at)
);
CREATE INDEX metric_points_age ON metric_points (step, at);
-- How far each source of counts was added, so that nothing is added twice.
CREATE TABLE metric_sources (
    name TEXT PRIMARY KEY,
    seq  BIGINT NOT NULL,
    at   BIGINT NOT NULL
);
