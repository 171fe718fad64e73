-- The session that an authorization is of: one for each login by browser and each code that
-- an OAuth client exchanged. Null: none, a token that was asked for by itself. Of those that
-- are there, the ones of clients have a refresh token, and browsers' named their origin twice.
ALTER TABLE authorizations ADD COLUMN session_id TEXT;
UPDATE authorizations SET session_id = id WHERE refresh_id <> '';
UPDATE authorizations SET session_id = id, description = substr(description, 23)
    WHERE description LIKE 'Heroku CLI login from Heroku CLI login from %';
CREATE UNIQUE INDEX authorizations_session ON authorizations (session_id);
