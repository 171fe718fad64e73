-- The platform's state. One text for SQLite and PostgreSQL.
-- Times are unix microseconds, 0 for never. Lists and maps are JSON in TEXT.
-- What is BYTEA is sealed by secret.Box or a SHA-256.

CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

-- One row. Each emitting transaction counts it up, so that events are numbered
-- without gaps in the order of their commits.
CREATE TABLE revision (
    one BIGINT PRIMARY KEY CHECK (one = 1),
    n   BIGINT NOT NULL
);
INSERT INTO revision (one, n) VALUES (1, 0);

CREATE TABLE events (
    revision BIGINT PRIMARY KEY,
    at       BIGINT NOT NULL,
    kind     TEXT NOT NULL,
    app_id   TEXT NOT NULL,
    key      TEXT NOT NULL,
    actor    TEXT NOT NULL,
    payload  TEXT NOT NULL
);

CREATE TABLE accounts (
    id         TEXT PRIMARY KEY,
    email      TEXT NOT NULL UNIQUE,
    name       TEXT NOT NULL,
    password   TEXT NOT NULL DEFAULT '',
    last_login BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE TABLE authorizations (
    id          TEXT PRIMARY KEY,
    account_id  TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    description TEXT NOT NULL,
    scope       TEXT NOT NULL,
    token_id    TEXT NOT NULL,
    token_hint  TEXT NOT NULL,
    token_hash  BYTEA NOT NULL UNIQUE,
    expires_at  BIGINT NOT NULL,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL
);
CREATE INDEX authorizations_account ON authorizations (account_id);

CREATE TABLE apps (
    id                 TEXT PRIMARY KEY,
    name               TEXT NOT NULL UNIQUE,
    owner_id           TEXT NOT NULL REFERENCES accounts (id),
    stack              TEXT NOT NULL,
    build_stack        TEXT NOT NULL,
    region             TEXT NOT NULL,
    maintenance        BOOLEAN NOT NULL,
    buildpack_provided TEXT NOT NULL,
    uid_base           BIGINT NOT NULL UNIQUE,
    repo_size          BIGINT NOT NULL,
    slug_size          BIGINT NOT NULL,
    destroying         BOOLEAN NOT NULL,
    released_at        BIGINT NOT NULL,
    created_at         BIGINT NOT NULL,
    updated_at         BIGINT NOT NULL
);
CREATE INDEX apps_owner ON apps (owner_id);

-- Names that an app had before a rename or its end. No foreign key: the row
-- outlives the app, so that nobody else takes over its visitors.
CREATE TABLE former_names (
    name     TEXT PRIMARY KEY,
    app_id   TEXT NOT NULL,
    owner_id TEXT NOT NULL,
    at       BIGINT NOT NULL
);

CREATE TABLE buildpack_installations (
    app_id  TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    ordinal BIGINT NOT NULL,
    url     TEXT NOT NULL,
    name    TEXT NOT NULL,
    PRIMARY KEY (app_id, ordinal)
);

CREATE TABLE features (
    app_id  TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    name    TEXT NOT NULL,
    enabled BOOLEAN NOT NULL,
    at      BIGINT NOT NULL,
    PRIMARY KEY (app_id, name)
);

CREATE TABLE domains (
    id         TEXT PRIMARY KEY,
    app_id     TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    hostname   TEXT NOT NULL UNIQUE,
    kind       TEXT NOT NULL,
    cname      TEXT NOT NULL,
    status     TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX domains_app ON domains (app_id);

CREATE TABLE slugs (
    id                 TEXT PRIMARY KEY,
    app_id             TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    digest             TEXT NOT NULL,
    size               BIGINT NOT NULL,
    image_size         BIGINT NOT NULL,
    stack              TEXT NOT NULL,
    commit_id          TEXT NOT NULL,
    commit_description TEXT NOT NULL,
    buildpack_provided TEXT NOT NULL,
    process_types      TEXT NOT NULL,
    created_at         BIGINT NOT NULL
);
CREATE INDEX slugs_app ON slugs (app_id);

CREATE TABLE releases (
    id          TEXT PRIMARY KEY,
    app_id      TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    version     BIGINT NOT NULL,
    slug_id     TEXT REFERENCES slugs (id),
    stack       TEXT NOT NULL,
    description TEXT NOT NULL,
    user_id     TEXT NOT NULL,
    user_email  TEXT NOT NULL,
    status      TEXT NOT NULL,
    is_current  BOOLEAN NOT NULL,
    output      TEXT NOT NULL,
    config      BYTEA NOT NULL,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL,
    UNIQUE (app_id, version)
);
CREATE UNIQUE INDEX releases_current ON releases (app_id) WHERE is_current;
CREATE INDEX releases_slug ON releases (slug_id);
CREATE INDEX releases_pending ON releases (created_at) WHERE status = 'pending';

CREATE TABLE builds (
    id                 TEXT PRIMARY KEY,
    app_id             TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    user_id            TEXT NOT NULL,
    user_email         TEXT NOT NULL,
    status             TEXT NOT NULL,
    stack              TEXT NOT NULL,
    buildpacks         TEXT NOT NULL,
    source_blob        TEXT NOT NULL,
    source_url         BYTEA NOT NULL,
    source_checksum    TEXT NOT NULL,
    source_version     TEXT NOT NULL,
    source_description TEXT NOT NULL,
    slug_id            TEXT REFERENCES slugs (id),
    release_id         TEXT REFERENCES releases (id),
    output             TEXT NOT NULL,
    failure            TEXT NOT NULL,
    created_at         BIGINT NOT NULL,
    updated_at         BIGINT NOT NULL
);
CREATE INDEX builds_app ON builds (app_id, created_at);
CREATE INDEX builds_pending ON builds (created_at) WHERE status = 'pending';
CREATE INDEX builds_slug ON builds (slug_id);
CREATE INDEX builds_release ON builds (release_id);

CREATE TABLE formations (
    id         TEXT PRIMARY KEY,
    app_id     TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    type       TEXT NOT NULL,
    quantity   BIGINT NOT NULL,
    size       TEXT NOT NULL,
    command    TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (app_id, type)
);

CREATE TABLE dynos (
    id          TEXT PRIMARY KEY,
    app_id      TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    release_id  TEXT NOT NULL REFERENCES releases (id),
    version     BIGINT NOT NULL,
    type        TEXT NOT NULL,
    number      BIGINT NOT NULL,
    command     TEXT NOT NULL,
    size        TEXT NOT NULL,
    one_off     BOOLEAN NOT NULL,
    env         BYTEA NOT NULL,
    attach      BOOLEAN NOT NULL,
    no_tty      BOOLEAN NOT NULL,
    secret_hash BYTEA UNIQUE,
    stop        BOOLEAN NOT NULL,
    state       TEXT NOT NULL,
    address     TEXT NOT NULL,
    started_at  BIGINT NOT NULL,
    restarts    BIGINT NOT NULL,
    crashes     BIGINT NOT NULL,
    retry_at    BIGINT NOT NULL,
    exit_code   BIGINT NOT NULL,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL
);
CREATE INDEX dynos_app ON dynos (app_id);
CREATE INDEX dynos_release ON dynos (release_id);
