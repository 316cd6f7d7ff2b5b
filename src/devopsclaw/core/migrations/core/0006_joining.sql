-- Join tokens as the controller issued them: labels and names are its word, whatever a relay says.
CREATE TABLE join_tokens (
    id TEXT PRIMARY KEY,
    pattern TEXT NOT NULL,
    labels TEXT NOT NULL,
    uses INTEGER NOT NULL,
    uses_left INTEGER NOT NULL,
    created_at REAL NOT NULL,
    expires_at REAL NOT NULL,
    created_by TEXT NOT NULL,
    revoked INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

ALTER TABLE nodes ADD COLUMN join_token TEXT NOT NULL DEFAULT '';
