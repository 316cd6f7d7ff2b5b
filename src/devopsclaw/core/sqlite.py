"""How SQLite is spoken to: connections, checkpoints, and words for what can go wrong. Not who writes when."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from devopsclaw.model.errors import Damaged

BUSY_TIMEOUT = 5000
"""Milliseconds to wait for a lock that another process holds."""

ROOM = 32 * 1024
"""Bytes that the index of a write-ahead log takes at least. Source: https://sqlite.org/walformat.html, 2.2"""

CORRUPT = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})

_WORDS = {
    sqlite3.SQLITE_FULL: ("the disk is full", "free some space, then try again"),
    sqlite3.SQLITE_BUSY: ("another process holds it locked", "end that process, then try again"),
    sqlite3.SQLITE_LOCKED: ("it is locked", "try again"),
    sqlite3.SQLITE_READONLY: ("it cannot be written", "check the owner and mode of the file and its folder"),
    sqlite3.SQLITE_CANTOPEN: ("it cannot be opened", "check the owner and mode of the file and its folder"),
    sqlite3.SQLITE_PERM: ("it cannot be opened", "check the owner and mode of the file and its folder"),
    sqlite3.SQLITE_IOERR: ("the disk reports an error", "look at the kernel's log, then restore a backup"),
    sqlite3.SQLITE_CORRUPT: ("the file is damaged", "restore a backup, or move it aside"),
    sqlite3.SQLITE_NOTADB: ("the file is no database any more", "restore a backup, or move it aside"),
}
"""Primary result codes of which the state on disk is the cause. Source: https://sqlite.org/rescode.html"""


Failure = sqlite3.Error | UnicodeDecodeError
FAILURES = (sqlite3.Error, UnicodeDecodeError)
"""What the sqlite3 module raises. The second where SQLite quotes damaged text in its message."""

_UNDECODED = "Could not decode to UTF-8"
"""Begins the module's message for a damaged text column; that error has no code."""


def code_of(error: BaseException | None) -> int:
    """SQLite's primary result code; 0 for what is no error of SQLite."""
    if isinstance(error, UnicodeDecodeError) or (
        isinstance(error, sqlite3.Error) and str(error).startswith(_UNDECODED)
    ):
        return sqlite3.SQLITE_CORRUPT
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def is_about_file(error: BaseException | None) -> bool:
    """Whether the state on disk is the cause, rather than the statement or its values."""
    if isinstance(error, sqlite3.IntegrityError | sqlite3.ProgrammingError | sqlite3.InterfaceError):
        return False
    return isinstance(error, sqlite3.DatabaseError | UnicodeDecodeError)


def is_outside(error: BaseException | None) -> bool:
    """Whether the file may be whole, and only cannot be used now: locked, not permitted, a failing disk."""
    return code_of(error) in _WORDS and code_of(error) not in CORRUPT


def damaged(path: Path, error: Failure | OSError) -> Damaged:
    """The error to show for what happened to this database."""
    if isinstance(error, OSError):
        return Damaged(
            f"{path}: {error.strerror or error}",
            hint="check the space, owner and mode of the file and its folder",
        )
    code = sqlite3.SQLITE_FULL if _has_no_room(path, error) else code_of(error)
    what, hint = _WORDS.get(code, (str(error), "restore a backup, or move it aside"))
    return Damaged(f"{path}: {what}", hint=hint)


def _has_no_room(path: Path, error: Failure) -> bool:
    """Whether an error of the disk is that it is full: for the index of a log SQLite does not say so."""
    if code_of(error) != sqlite3.SQLITE_IOERR:
        return False
    try:
        space = os.statvfs(path.parent)
    except OSError:
        return False
    return space.f_bavail * space.f_frsize < ROOM


def create(path: Path) -> None:
    """Make the file if there is none, and see that only its owner may read it. Raises OSError."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    if path.stat().st_mode & 0o077:
        path.chmod(0o600)


def connect_writer(path: Path) -> sqlite3.Connection:
    """The one connection that writes. Transactions are begun by hand, the log is moved only when told to."""
    connection = _connect(path, "rw")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("PRAGMA wal_autocheckpoint=0")
    return connection


def connect_reader(path: Path) -> sqlite3.Connection:
    """A connection that cannot write, and so never moves the log into the file when it is closed last."""
    connection = _connect(path, "ro")
    connection.execute("PRAGMA query_only=ON")
    return connection


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        timeout=BUSY_TIMEOUT / 1000,
    )
    connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT}")
    return connection


def log_of(path: Path) -> Path:
    """The write-ahead log beside a database."""
    return path.with_name(path.name + "-wal")


def log_size(path: Path) -> int:
    """Bytes in the write-ahead log; 0 without one."""
    try:
        return log_of(path).stat().st_size
    except FileNotFoundError:
        return 0


def checkpoint(connection: sqlite3.Connection) -> bool:
    """Move the log into the file and empty it; False where a reader was in the way. Never waits for one."""
    connection.execute("PRAGMA busy_timeout=0")
    try:
        blocked, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    finally:
        connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT}")
    return not blocked
