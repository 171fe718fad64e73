-- What a release has to show, and what comes back when it is rejected.
ALTER TABLE releases ADD COLUMN proven_at BIGINT NOT NULL DEFAULT 0;  -- since when its web dynos count as good; 0: they have not served for long enough
ALTER TABLE releases ADD COLUMN dropped TEXT NOT NULL DEFAULT '[]';   -- process types that went when it became current, as they were
UPDATE releases SET proven_at = updated_at WHERE is_current AND status = 'succeeded';
