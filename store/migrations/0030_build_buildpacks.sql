-- The buildpacks that took part in a build, each with the commit or digest of what ran.
ALTER TABLE builds ADD COLUMN resolved TEXT NOT NULL DEFAULT '[]';
