CREATE TABLE grants (
    who TEXT PRIMARY KEY,
    role TEXT NOT NULL CHECK (role IN ('viewer', 'operator', 'admin')),
    granted_by TEXT NOT NULL,
    granted_at REAL NOT NULL
) STRICT, WITHOUT ROWID;
