"""The stored entries, read in the types they were written in: a damaged schema may give them others.

Not here: what they mean, and whether they are whole.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any

Row = tuple[int, bytes, bytes]
"""Number, canonical bytes, hash. A number or text that is lost reads as 0 or empty."""

_SEQ = "CAST(coalesce(seq, 0) AS INTEGER)"
_BODY = "CAST(coalesce(body, '') AS BLOB)"
_HASH = "CAST(coalesce(hash, '') AS BLOB)"


def read_rows(connection: sqlite3.Connection, rest: str = "ORDER BY seq", *values: Any) -> Iterator[Row]:
    """The entries; `rest` of the statement says which and in what order. Raises `sqlite.FAILURES`."""
    yield from connection.execute(f"SELECT {_SEQ}, {_BODY}, {_HASH} FROM entries {rest}", values)


def last_row(connection: sqlite3.Connection) -> Row | None:
    """The entry with the highest number."""
    return next(read_rows(connection, "ORDER BY seq DESC LIMIT 1"), None)


def row_of(connection: sqlite3.Connection, seq: int) -> Row | None:
    """The entry of this number."""
    return next(read_rows(connection, "WHERE seq = ?", seq), None)
