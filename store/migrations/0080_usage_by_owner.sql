-- What an app's dynos used belongs to who owned the app then: sums are by owner too, and
-- an open interval knows whose it is.
CREATE TABLE usage_owned (
    app_id    TEXT NOT NULL,
    month     TEXT NOT NULL,
    type      TEXT NOT NULL,
    size      TEXT NOT NULL,
    owner_id  TEXT NOT NULL,
    app_name  TEXT NOT NULL,
    used      BIGINT NOT NULL,
    PRIMARY KEY (app_id, month, type, size, owner_id)
);
INSERT INTO usage_owned (app_id, month, type, size, owner_id, app_name, used)
    SELECT app_id, month, type, size, owner_id, app_name, used FROM usage;
DROP TABLE usage;
ALTER TABLE usage_owned RENAME TO usage;
CREATE INDEX usage_owner ON usage (owner_id, month);

CREATE TABLE usage_days_owned (
    app_id    TEXT NOT NULL,
    day       TEXT NOT NULL,
    type      TEXT NOT NULL,
    size      TEXT NOT NULL,
    owner_id  TEXT NOT NULL,
    app_name  TEXT NOT NULL,
    used      BIGINT NOT NULL,
    PRIMARY KEY (app_id, day, type, size, owner_id)
);
INSERT INTO usage_days_owned (app_id, day, type, size, owner_id, app_name, used)
    SELECT app_id, day, type, size, owner_id, app_name, used FROM usage_days;
DROP TABLE usage_days;
ALTER TABLE usage_days_owned RENAME TO usage_days;
CREATE INDEX usage_days_owner ON usage_days (owner_id, day);

ALTER TABLE usage_open ADD COLUMN owner_id TEXT NOT NULL DEFAULT '';
UPDATE usage_open SET owner_id = COALESCE((SELECT owner_id FROM apps WHERE apps.id = usage_open.app_id), '');
CREATE INDEX usage_open_owner ON usage_open (owner_id);
