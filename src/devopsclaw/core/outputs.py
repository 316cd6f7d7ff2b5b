"""What commands printed, kept: short output once per distinct content in the database, long output as files.

Two counts per stream: its length on the node, and the bytes that are kept. They differ by the gaps that the
node announced. Not here: making it safe to show.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, NamedTuple, TypeVar

from devopsclaw.core import sqlite
from devopsclaw.core.db import Database
from devopsclaw.core.durable import sync_folder
from devopsclaw.model.errors import BadParams, Damaged

T = TypeVar("T")

SHORT = 16 * 1024
"""Bytes of a stream that are kept in the database (design §7); more goes to a file."""

STREAMS = ("stdout", "stderr")

_COMMAND = re.compile(r"[0-9a-f]{8,64}")

_BLOCK = 1024 * 1024


class Key(NamedTuple):
    """A stream of a command."""

    command: str
    stream: str


@dataclass(frozen=True, slots=True)
class Stream:
    """How far a stream is kept. `sha256` (hex, of the kept bytes) is empty until it is closed."""

    length: int = 0
    kept: int = 0
    gaps: tuple[tuple[int, int], ...] = ()
    place: Literal["row", "content", "file"] = "row"
    data: bytes = b""
    sha256: str = ""


class Outputs:
    """The output store. What a method wrote is on disk when it returns. All raise Damaged, and BadParams
    for what is no command id or stream.
    """

    def __init__(self, database: Database, folder: Path) -> None:
        self._database = database
        self._folder = folder

    async def append(self, command: str, stream: str, offset: int, data: bytes) -> int:
        """Keep bytes that begin at this offset of the stream; what is kept already is ignored.

        A stream that was closed goes on: a core may have died between closing it and recording why.
        Returns the stream's length now. Raises Damaged naming the hole where bytes before them are missing.
        """
        key = _key(command, stream)
        return await self._change(key, lambda old: self._appended(key, old, offset, data))

    async def skip(self, command: str, stream: str, start: int, end: int) -> int:
        """Take note of a gap: the node did not keep the bytes from `start` up to `end`.

        A gap from 0 over all that is kept: the command threw its own output away, so it goes here too.
        Returns the stream's length now. Raises Damaged where bytes before the gap are missing.
        """
        key = _key(command, stream)

        def skipped(old: Stream) -> Stream:
            _require_whole(key, old, start)
            if start == 0 and end >= old.length:
                return Stream(length=end, gaps=((0, end),))
            if end <= old.length:
                return old
            return replace(old, length=end, gaps=(*old.gaps, (old.length, end)))

        return await self._change(key, skipped)

    async def close(self, command: str) -> None:
        """No more will come: equal short outputs become one. Closing twice does nothing. A file that somebody
        deleted is a gap from then on: waiting brings nothing back.
        """

        def close(connection: sqlite3.Connection) -> None:
            for key in (_key(command, stream) for stream in STREAMS):
                old = _load(connection, key)
                if old.length and not old.sha256:
                    _save(connection, key, self._closed(connection, key, old))

        await self._database.write(close)

    async def stream(self, command: str, stream: str) -> Stream:
        """How far the stream is kept, and where its gaps are; an empty one where nothing came yet."""
        key = _key(command, stream)
        return await self._database.read(lambda connection: _load(connection, key))

    async def length(self, command: str, stream: str) -> int:
        """Bytes of the stream up to which nothing is missing but announced gaps."""
        return (await self.stream(command, stream)).length

    async def sha256(self, command: str, stream: str) -> str:
        """SHA-256, hex, of the kept bytes in order."""
        key = _key(command, stream)
        return await self._database.read(
            lambda connection: self._digest(connection, key, _load(connection, key))
        )

    async def read(self, command: str, stream: str, start: int = 0, limit: int = SHORT) -> bytes:
        """At most `limit` of the kept bytes, from the one with this number on; empty past the end."""
        key = _key(command, stream)
        return await self._database.read(
            lambda connection: self._bytes(connection, key, _load(connection, key))(start, limit)
        )

    async def _change(self, key: Key, change: Callable[[Stream], Stream]) -> int:
        def work(connection: sqlite3.Connection) -> int:
            old = _opened(connection, _load(connection, key))
            new = change(old)
            if new != old:
                _save(connection, key, new)
            return new.length

        return await self._database.write(work)

    def _appended(self, key: Key, old: Stream, offset: int, data: bytes) -> Stream:
        _require_whole(key, old, offset)
        new = data[old.length - offset :]
        if not new:
            return old
        grown = replace(old, length=old.length + len(new), kept=old.kept + len(new))
        if old.place == "row" and grown.kept <= SHORT:
            return replace(grown, data=old.data + new)
        self._write(key, old.data + new, old.kept - len(old.data))
        return replace(grown, place="file", data=b"")

    def _closed(self, connection: sqlite3.Connection, key: Key, old: Stream) -> Stream:
        if old.place == "file" and not self._path(key).exists():
            old = Stream(length=old.length, gaps=((0, old.length),))
        digest = self._digest(connection, key, old)
        if old.place == "file":
            return replace(old, sha256=digest)
        connection.execute("INSERT OR IGNORE INTO contents (sha256, data) VALUES (?, ?)", (digest, old.data))
        return replace(old, sha256=digest, place="content", data=b"")

    def _digest(self, connection: sqlite3.Connection, key: Key, found: Stream) -> str:
        """Block by block: a file may be longer than what memory should hold."""
        if found.sha256:
            return found.sha256
        read = self._bytes(connection, key, found)
        digest = hashlib.sha256()
        for start in range(0, found.kept, _BLOCK):
            digest.update(read(start, _BLOCK))
        return digest.hexdigest()

    def _bytes(self, connection: sqlite3.Connection, key: Key, found: Stream) -> Callable[[int, int], bytes]:
        """Reads (start, limit) of the kept bytes, wherever they are."""
        if found.place == "file":
            return lambda start, limit: self._read(key, start, min(limit, found.kept - start))
        data = found.data if found.place == "row" else _content(connection, found.sha256)
        return lambda start, limit: data[start : start + limit]

    def _path(self, key: Key) -> Path:
        return self._folder / key.command[:2] / f"{key.command}.{key.stream}"

    def _write(self, key: Key, data: bytes, position: int) -> None:
        """On disk before the row that counts it: after a crash the file is longer, and is written over."""
        path = self._path(key)
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            is_new = not path.exists()
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                while data:
                    written = os.pwrite(descriptor, data, position)
                    data, position = data[written:], position + written
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            if is_new:
                sync_folder(path.parent)
        except OSError as failed:
            raise sqlite.damaged(path, failed) from failed

    def _read(self, key: Key, start: int, size: int) -> bytes:
        path = self._path(key)
        try:
            with path.open("rb") as file:
                file.seek(start)
                return file.read(max(size, 0))
        except OSError as failed:
            raise sqlite.damaged(path, failed) from failed


def _key(command: str, stream: str) -> Key:
    """Both become part of a file's name."""
    if not _COMMAND.fullmatch(command) or stream not in STREAMS:
        raise BadParams(f"there is no output {stream!r} of {command!r}", hint="a stream is stdout or stderr")
    return Key(command, stream)


def _require_whole(key: Key, old: Stream, offset: int) -> None:
    if offset > old.length:
        raise Damaged(
            f"{key.stream} of command {key.command} has a hole: bytes {old.length} to {offset} are missing",
            hint="the node sends them again when it is asked to go on from there",
        )


def _content(connection: sqlite3.Connection, digest: str) -> bytes:
    row = connection.execute("SELECT data FROM contents WHERE sha256 = ?", (digest,)).fetchone()
    if row is None:
        raise Damaged(f"the output {digest[:12]} is not there any more", hint="run the command again")
    data: bytes = row[0]
    return data


def _opened(connection: sqlite3.Connection, found: Stream) -> Stream:
    """The stream as it was before it was closed."""
    if not found.sha256:
        return found
    if found.place == "file":
        return replace(found, sha256="")
    return replace(found, sha256="", place="row", data=_content(connection, found.sha256))


def _load(connection: sqlite3.Connection, key: Key) -> Stream:
    row = connection.execute(
        "SELECT length, kept, gaps, place, data, sha256 FROM outputs WHERE command = ? AND stream = ?", key
    ).fetchone()
    if row is None:
        return Stream()
    length, kept, gaps, place, data, sha256 = row
    pairs = tuple((start, end) for start, end in json.loads(gaps))
    return Stream(length, kept, pairs, place, data or b"", sha256 or "")


def _save(connection: sqlite3.Connection, key: Key, new: Stream) -> None:
    connection.execute(
        "INSERT INTO outputs (command, stream, length, kept, gaps, place, data, sha256)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (command, stream) DO UPDATE SET"
        " length = excluded.length, kept = excluded.kept, gaps = excluded.gaps, place = excluded.place,"
        " data = excluded.data, sha256 = excluded.sha256",
        (*key, new.length, new.kept, json.dumps(new.gaps), new.place, new.data or None, new.sha256 or None),
    )
