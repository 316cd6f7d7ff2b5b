-- The word for how a run ended: one that a person stopped has the exit code of one that failed.
ALTER TABLE runs ADD COLUMN word TEXT NOT NULL DEFAULT '';

UPDATE runs SET word = CASE exit_code
    WHEN 0 THEN 'ok'
    WHEN 1 THEN 'failed'
    WHEN 4 THEN 'unreachable'
    WHEN 5 THEN 'stopped'
    WHEN 6 THEN 'timed_out'
    WHEN 7 THEN 'unknown'
    ELSE 'cancelled'
END WHERE exit_code IS NOT NULL;
