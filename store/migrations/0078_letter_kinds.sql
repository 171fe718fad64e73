-- What a row of the queue is: empty, a letter; or what is still to be made into one.
ALTER TABLE letters ADD COLUMN kind TEXT NOT NULL DEFAULT '';
