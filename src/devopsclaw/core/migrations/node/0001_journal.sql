-- What the nodes of this process were asked to run, and how far each of it came.

CREATE TABLE commands (
    seen        INTEGER PRIMARY KEY,            -- in the order in which they were first seen
    node        TEXT NOT NULL,                  -- uid: several nodes of one process may share this file
    command     TEXT NOT NULL,                  -- 32 hexadecimal digits
    state       TEXT NOT NULL CHECK (state IN ('accepted', 'starting', 'running', 'finished', 'acked')),
    fields      TEXT NOT NULL,                  -- JSON object: all that was recorded so far
    UNIQUE (node, command)
) STRICT;

-- Since when each node remembers every command: what was issued before it is refused.
CREATE TABLE incarnations (
    node        TEXT PRIMARY KEY,
    since       REAL NOT NULL                   -- seconds since 1970
) STRICT, WITHOUT ROWID;
