-- Join tokens: what is needed to check a proof, never the secret itself. Times are by the relay's clock.
CREATE TABLE join_tokens (
    id          TEXT PRIMARY KEY,
    verifier    TEXT NOT NULL,                  -- 64 hexadecimal digits, derived from the secret
    pattern     TEXT NOT NULL,
    uses        INTEGER NOT NULL,
    uses_left   INTEGER NOT NULL CHECK (uses_left >= 0),
    expires_at  REAL NOT NULL,
    revoked     INTEGER NOT NULL DEFAULT 0
) STRICT;

ALTER TABLE nodes ADD COLUMN join_token TEXT NOT NULL DEFAULT '';

-- What a controller has still to be told.
CREATE TABLE alarms (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    kind        TEXT NOT NULL,
    name        TEXT NOT NULL,
    address     TEXT NOT NULL,
    token       TEXT NOT NULL,
    at          REAL NOT NULL
) STRICT;
