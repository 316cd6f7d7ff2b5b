-- The chain. body holds the canonical bytes exactly as hashed; the other columns are computed from it, so that
-- nothing a filter looks at can differ from what the chain protects. A body that was damaged has none of them.
CREATE TABLE entries (
    seq INTEGER PRIMARY KEY,
    body TEXT NOT NULL,
    hash BLOB NOT NULL,
    time TEXT GENERATED ALWAYS AS (CASE WHEN json_valid(body) THEN json_extract(body, '$.time') END) VIRTUAL,
    user TEXT GENERATED ALWAYS AS (CASE WHEN json_valid(body) THEN json_extract(body, '$.user') END) VIRTUAL,
    action TEXT GENERATED ALWAYS AS (CASE WHEN json_valid(body) THEN json_extract(body, '$.action') END) VIRTUAL
);
CREATE INDEX entries_time ON entries (time);
CREATE INDEX entries_user ON entries (user);
CREATE INDEX entries_action ON entries (action);

-- A guard against accidents, not against someone who can write the file: that shows in the chain.
CREATE TRIGGER entries_are_never_updated BEFORE UPDATE ON entries
BEGIN
    SELECT RAISE (ABORT, 'audit entries are never changed');
END;
CREATE TRIGGER entries_are_never_deleted BEFORE DELETE ON entries
BEGIN
    SELECT RAISE (ABORT, 'audit entries are never deleted');
END;
