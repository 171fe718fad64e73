-- Who made an attached one-off, and with which authorization: losing either ends it.
ALTER TABLE dynos ADD COLUMN attach_by TEXT NOT NULL DEFAULT '';
ALTER TABLE dynos ADD COLUMN attach_authorization TEXT NOT NULL DEFAULT '';
