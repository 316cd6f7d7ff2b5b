"""Words for what can go wrong with a database file."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from types import SimpleNamespace

import pytest

from devopsclaw.core.sqlite import ROOM, damaged


def failure(code: int) -> sqlite3.Error:
    """An error of SQLite with this code."""
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = code
    return error


def leave(monkeypatch: pytest.MonkeyPatch, room: int) -> None:
    """Make every disk have this many bytes left."""
    monkeypatch.setattr(os, "statvfs", lambda path: SimpleNamespace(f_bavail=room, f_frsize=1))


@pytest.mark.parametrize("code", [sqlite3.SQLITE_IOERR_SHMSIZE, sqlite3.SQLITE_IOERR_WRITE])
def test_a_disk_error_where_nothing_is_left_is_a_full_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    leave(monkeypatch, ROOM - 1)

    told = damaged(tmp_path / "core.db", failure(code))

    assert told.message == f"{tmp_path / 'core.db'}: the disk is full"
    assert told.hint == "free some space, then try again"


def test_a_disk_error_with_space_left_is_the_disk_s(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    leave(monkeypatch, ROOM)

    told = damaged(tmp_path / "core.db", failure(sqlite3.SQLITE_IOERR_WRITE))

    assert "the disk reports an error" in told.message and "kernel's log" in told.hint


def test_a_folder_that_is_gone_is_no_full_disk(tmp_path: Path) -> None:
    told = damaged(tmp_path / "gone" / "core.db", failure(sqlite3.SQLITE_IOERR_READ))

    assert "the disk reports an error" in told.message


def test_no_other_error_becomes_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    leave(monkeypatch, 0)

    assert "locked" in damaged(tmp_path / "core.db", failure(sqlite3.SQLITE_BUSY)).message
