-- The stack's image that a release runs on; empty for releases from before: the
-- image that the stack has when its dynos start.
ALTER TABLE releases ADD COLUMN base TEXT NOT NULL DEFAULT '';
