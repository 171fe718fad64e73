-- What dynos have used, by day: beside the monthly sums, and kept for less long.
CREATE TABLE usage_days (
    app_id    TEXT NOT NULL,
    day       TEXT NOT NULL,
    type      TEXT NOT NULL,
    size      TEXT NOT NULL,
    app_name  TEXT NOT NULL,
    owner_id  TEXT NOT NULL,
    used      BIGINT NOT NULL,
    PRIMARY KEY (app_id, day, type, size)
);
CREATE INDEX usage_days_owner ON usage_days (owner_id, day);
