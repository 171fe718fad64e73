-- Each event carries where it was asked from and a hash over itself and the one
-- before, so that a row changed, removed or put in later is seen (kigo audit verify).
ALTER TABLE events ADD COLUMN origin TEXT NOT NULL DEFAULT '';
ALTER TABLE events ADD COLUMN hash TEXT NOT NULL DEFAULT '';
ALTER TABLE revision ADD COLUMN hash TEXT NOT NULL DEFAULT '';
