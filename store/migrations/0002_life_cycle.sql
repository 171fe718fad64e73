-- What the life cycle of dynos needs beyond starting and stopping them.
ALTER TABLE dynos ADD COLUMN ttl BIGINT NOT NULL DEFAULT 0;            -- microseconds a one-off may run; 0: a day
ALTER TABLE dynos ADD COLUMN inside TEXT NOT NULL DEFAULT '';          -- the dyno that a one-off runs in; '': its own
ALTER TABLE dynos ADD COLUMN retire BOOLEAN NOT NULL DEFAULT FALSE;    -- replace it, but let it serve until then
ALTER TABLE dynos ADD COLUMN why TEXT NOT NULL DEFAULT '';             -- what the log says when it is told to stop
ALTER TABLE dynos ADD COLUMN reason TEXT NOT NULL DEFAULT '';          -- why it is not up
ALTER TABLE releases ADD COLUMN failure TEXT NOT NULL DEFAULT '';      -- why it failed
