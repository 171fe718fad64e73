-- How the dynos of a team's apps are kept apart, where an app says nothing itself.
CREATE TABLE team_isolation (
    team_id TEXT PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
    class   TEXT NOT NULL
);
