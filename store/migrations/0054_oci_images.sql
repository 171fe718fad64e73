-- What was told of a slug that is a whole container image; empty for any other.
ALTER TABLE slugs ADD COLUMN oci_image TEXT NOT NULL DEFAULT '';
