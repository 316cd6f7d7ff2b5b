-- Executions as a durable, append-only event log, and the output they produced.
CREATE TABLE run_numbers (
    kind TEXT PRIMARY KEY,
    last INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE runs (
    run TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    number INTEGER NOT NULL,
    call TEXT NOT NULL,
    entry TEXT NOT NULL,
    plan TEXT NOT NULL,
    body TEXT NOT NULL,
    created_at REAL NOT NULL,
    finished_at REAL,
    exit_code INTEGER
);
CREATE INDEX runs_open ON runs (kind, number) WHERE finished_at IS NULL;
CREATE INDEX runs_recent ON runs (created_at);

CREATE TABLE run_nodes (
    run TEXT NOT NULL REFERENCES runs (run),
    place INTEGER NOT NULL,
    node TEXT NOT NULL,
    uid TEXT NOT NULL,
    command TEXT NOT NULL,
    PRIMARY KEY (run, place)
) WITHOUT ROWID;
CREATE UNIQUE INDEX run_nodes_command ON run_nodes (command);

CREATE TABLE run_events (
    seq INTEGER PRIMARY KEY,
    run TEXT NOT NULL REFERENCES runs (run),
    at REAL NOT NULL,
    kind TEXT NOT NULL,
    node TEXT,
    body TEXT NOT NULL
);
CREATE INDEX run_events_run ON run_events (run, seq);

-- length counts bytes of the whole stream, kept those that are stored: they differ where the node had a gap.
CREATE TABLE outputs (
    command TEXT NOT NULL,
    stream TEXT NOT NULL,
    length INTEGER NOT NULL,
    kept INTEGER NOT NULL,
    gaps TEXT NOT NULL DEFAULT '[]',
    place TEXT NOT NULL CHECK (place IN ('row', 'content', 'file')),
    data BLOB,
    sha256 TEXT,
    PRIMARY KEY (command, stream)
) WITHOUT ROWID;

CREATE TABLE contents (
    sha256 TEXT PRIMARY KEY,
    data BLOB NOT NULL
) WITHOUT ROWID;
