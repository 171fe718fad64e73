-- The app.json that came with a slug's source; it outlives the source.
ALTER TABLE slugs ADD COLUMN app_json TEXT NOT NULL DEFAULT '';
