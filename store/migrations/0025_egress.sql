-- What apps' dynos may reach beyond the public internet, or not of it, and how
-- they are kept apart from the machine.
CREATE TABLE egress_rules (
    id          TEXT PRIMARY KEY,
    app_id      TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    allow       BOOLEAN NOT NULL,
    target      TEXT NOT NULL,
    port        BIGINT NOT NULL,
    by_operator BOOLEAN NOT NULL,
    origin      TEXT NOT NULL,
    created_at  BIGINT NOT NULL,
    UNIQUE (app_id, target, port)
);
CREATE TABLE isolation (
    app_id TEXT PRIMARY KEY REFERENCES apps (id) ON DELETE CASCADE,
    class  TEXT NOT NULL
);
