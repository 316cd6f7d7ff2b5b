"""Brings a database to the schema of this build: numbered SQL files, each applied once and recorded."""

from __future__ import annotations

import hashlib
import re
import sqlite3
from pathlib import Path

from devopsclaw.model.errors import Damaged

_FILE = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")

_RECORD = """
CREATE TABLE IF NOT EXISTS migrations (
    number INTEGER PRIMARY KEY, name TEXT NOT NULL, digest TEXT NOT NULL,
    applied_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now')))
"""


def migration_files(folder: Path) -> list[Path]:
    """The numbered files of a folder, in order."""
    return sorted(path for path in folder.iterdir() if _FILE.fullmatch(path.name))


def migrate(connection: sqlite3.Connection, path: Path, files: list[Path]) -> None:
    """Apply what is missing, each file in one transaction.

    Raises Damaged where the database was made by a newer build, or by one with other files.
    """
    applied = _applied(connection)
    known = {_number(file): file for file in files}
    for number, (name, digest) in sorted(applied.items()):
        if number not in known:
            raise Damaged(
                f"{path} was written by a newer devopsclaw (its schema has step {number:04d}_{name})",
                hint="install that version or a later one; devopsclaw version shows this one",
            )
        if digest != _digest(known[number]):
            raise Damaged(
                f"{path} was made by another build: schema step {number:04d}_{name} differs from this one's",
                hint="run the devopsclaw that made it",
            )
    for file in files:
        if _number(file) not in applied:
            _apply(connection, file)


def _applied(connection: sqlite3.Connection) -> dict[int, tuple[str, str]]:
    known = connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'migrations'").fetchone()
    if not known:
        return {}
    # The casts are for a damaged file, whose schema may give a column another type.
    rows = connection.execute(
        "SELECT CAST(coalesce(number, 0) AS INTEGER), CAST(coalesce(name, '') AS TEXT), digest"
        " FROM migrations"
    )
    return {number: (name, digest) for number, name, digest in rows}


def _apply(connection: sqlite3.Connection, file: Path) -> None:
    """One transaction; nothing of it stays if a statement fails."""
    name = file.stem.split("_", 1)[1]
    record = (
        f"INSERT INTO migrations (number, name, digest) VALUES ({_number(file)}, '{name}', '{_digest(file)}')"
    )
    try:
        connection.executescript(f"BEGIN IMMEDIATE;{_RECORD};\n{file.read_text()}\n;{record};COMMIT;")
    except sqlite3.Error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _number(file: Path) -> int:
    return int(file.name[:4])


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
