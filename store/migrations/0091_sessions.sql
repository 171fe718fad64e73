-- The session that an authorization is of: one for each login by browser and each code that
-- an OAuth client exchanged. Null: none, a token that was asked for by itself.
ALTER TABLE authorizations ADD COLUMN session_id TEXT;
CREATE UNIQUE INDEX authorizations_session ON authorizations (session_id);
