-- A read gets its one audit entry after its run: those that a crash left without are found at the next start.
CREATE INDEX runs_without_entry ON runs (created_at) WHERE entry = '';
