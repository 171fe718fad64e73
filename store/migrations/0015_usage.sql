-- What dynos have used: monthly sums, and the intervals that are still open. An interval
-- is measured by the machine's own clock since its start, which no change of the time moves.
CREATE TABLE usage (
    app_id    TEXT NOT NULL,
    month     TEXT NOT NULL,
    type      TEXT NOT NULL,
    size      TEXT NOT NULL,
    app_name  TEXT NOT NULL,
    owner_id  TEXT NOT NULL,
    used      BIGINT NOT NULL,
    PRIMARY KEY (app_id, month, type, size)
);
CREATE INDEX usage_owner ON usage (owner_id, month);

CREATE TABLE usage_open (
    dyno_id TEXT PRIMARY KEY,
    app_id  TEXT NOT NULL,
    type    TEXT NOT NULL,
    size    TEXT NOT NULL,
    boot    TEXT NOT NULL,
    since   BIGINT NOT NULL
);
