-- Requests for a person's yes. `answer` holds who, when and why, as JSON, once there is one.
CREATE TABLE approvals (
    number INTEGER PRIMARY KEY,
    call TEXT NOT NULL,
    status TEXT NOT NULL,
    body TEXT NOT NULL,
    asked_at REAL NOT NULL,
    expires_at REAL NOT NULL
) STRICT;
CREATE INDEX approvals_waiting ON approvals (status) WHERE status IN ('waiting', 'allowed');
