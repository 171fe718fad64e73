-- Teams own apps as accounts do: a team's id is that of an account nobody logs in to.
ALTER TABLE accounts ADD COLUMN team BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE apps ADD COLUMN locked BOOLEAN NOT NULL DEFAULT FALSE;  -- members of its team may not join by themselves

CREATE TABLE enterprises (
    id         TEXT PRIMARY KEY,
    name       TEXT NOT NULL UNIQUE,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE TABLE teams (
    id              TEXT PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
    name            TEXT NOT NULL UNIQUE,
    enterprise_id   TEXT REFERENCES enterprises (id),
    addons_controls BOOLEAN NOT NULL,
    created_at      BIGINT NOT NULL,
    updated_at      BIGINT NOT NULL
);
CREATE TABLE team_members (
    id         TEXT PRIMARY KEY,
    team_id    TEXT NOT NULL REFERENCES teams (id) ON DELETE CASCADE,
    account_id TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    role       TEXT NOT NULL,
    is_default BOOLEAN NOT NULL,  -- what the member's commands take when none is named
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (team_id, account_id)
);
CREATE INDEX team_members_account ON team_members (account_id);
CREATE TABLE team_invitations (
    id         TEXT PRIMARY KEY,
    team_id    TEXT NOT NULL REFERENCES teams (id) ON DELETE CASCADE,
    account_id TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    invited_by TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    role       TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (team_id, account_id)
);
CREATE TABLE enterprise_members (
    id            TEXT PRIMARY KEY,
    enterprise_id TEXT NOT NULL REFERENCES enterprises (id) ON DELETE CASCADE,
    account_id    TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    permissions   TEXT NOT NULL,
    created_at    BIGINT NOT NULL,
    updated_at    BIGINT NOT NULL,
    UNIQUE (enterprise_id, account_id)
);
CREATE INDEX enterprise_members_account ON enterprise_members (account_id);
CREATE TABLE identity_providers (
    id          TEXT PRIMARY KEY,
    team_id     TEXT NOT NULL UNIQUE REFERENCES teams (id) ON DELETE CASCADE,
    entity_id   TEXT NOT NULL,
    certificate TEXT NOT NULL,
    sso_url     TEXT NOT NULL,
    slo_url     TEXT NOT NULL,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL
);
