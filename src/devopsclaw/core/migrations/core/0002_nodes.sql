-- The nodes as the controller knows them, and those the relay has still to forget.
CREATE TABLE nodes (
    name TEXT PRIMARY KEY,
    uid TEXT NOT NULL,
    public_key TEXT NOT NULL,
    address TEXT NOT NULL,
    peer TEXT NOT NULL,
    labels TEXT NOT NULL,
    groups TEXT NOT NULL,
    drained INTEGER NOT NULL,
    accepted INTEGER NOT NULL,
    joined_at REAL NOT NULL,
    last_seen REAL NOT NULL,
    version TEXT NOT NULL,
    facts TEXT NOT NULL
) WITHOUT ROWID;
CREATE UNIQUE INDEX nodes_uid ON nodes (uid) WHERE uid <> '';

CREATE TABLE removed_nodes (
    uid TEXT PRIMARY KEY,
    removed_at REAL NOT NULL
) WITHOUT ROWID;
