-- Who this relay knows. Nothing that is in flight is ever stored here.

CREATE TABLE nodes (
    uid         TEXT PRIMARY KEY,               -- n_ and 26 digits, from the public key
    name        TEXT NOT NULL UNIQUE,           -- bound to the key until the node is forgotten
    public_key  TEXT NOT NULL UNIQUE,           -- 64 hexadecimal digits
    address     TEXT NOT NULL,                  -- the peer address of the last session
    last_seen   REAL NOT NULL,                  -- seconds since 1970, by the relay's clock
    epoch       INTEGER NOT NULL,               -- of the last session
    quarantine  TEXT NOT NULL DEFAULT ''        -- why no session of this key is let in; empty: it is
) STRICT;

-- The one controller that claimed this relay; its key is the root that nodes are shown.
CREATE TABLE controller (
    one         INTEGER PRIMARY KEY CHECK (one = 1),
    public_key  TEXT NOT NULL,
    name        TEXT NOT NULL,
    claimed_at  REAL NOT NULL
) STRICT;

-- Epochs up to this one may have been handed out.
CREATE TABLE epochs (
    one         INTEGER PRIMARY KEY CHECK (one = 1),
    reserved    INTEGER NOT NULL
) STRICT;

INSERT INTO epochs (one, reserved) VALUES (1, 0);
