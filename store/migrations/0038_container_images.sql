-- The container images of a slug, by process type; empty for one that was built.
ALTER TABLE slugs ADD COLUMN images TEXT NOT NULL DEFAULT '{}';
