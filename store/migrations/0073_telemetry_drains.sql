-- Where apps' metrics and log lines go in OpenTelemetry's protocol. The exporter
-- holds credentials: it is sealed.
CREATE TABLE telemetry_drains (
    id         TEXT PRIMARY KEY,
    app_id     TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    signals    TEXT NOT NULL,
    exporter   BYTEA NOT NULL,
    sent       BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX telemetry_drains_app ON telemetry_drains (app_id);
