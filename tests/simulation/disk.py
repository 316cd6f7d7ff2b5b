"""Disks as bad as they are: what was not synced may be gone after a crash, or torn in the middle."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any, TypeVar

Item = TypeVar("Item")


class LogDisk:
    """A database: writes are whole or not there, in order; `apply` is told of each that is there for good."""

    def __init__(self, apply: Callable[[Any], None]) -> None:
        self._apply = apply
        self._unsynced: list[Any] = []

    def write(self, item: Any) -> None:
        """Durable only after `sync`."""
        self._unsynced.append(item)

    def sync(self) -> None:
        """Everything written is durable."""
        for item in self._unsynced:
            self._apply(item)
        self._unsynced.clear()

    def crash(self, random: Random) -> None:
        """Some first part of what was not synced got through, the rest is gone."""
        del self._unsynced[random.randint(0, len(self._unsynced)) :]
        self.sync()


class FileDisk:
    """Append-only files by name; a crash tears off some of what was not synced."""

    def __init__(self) -> None:
        self._files: dict[str, bytearray] = {}
        self._synced: dict[str, int] = {}

    def append(self, name: str, data: bytes) -> None:
        """Durable only after `sync`."""
        self._files.setdefault(name, bytearray()).extend(data)

    def length(self, name: str) -> int:
        """Bytes in the file now."""
        return len(self._files.get(name, b""))

    def read(self, name: str, start: int = 0, size: int | None = None) -> bytes:
        """Bytes of the file, fewer where it ends."""
        content = self._files.get(name, b"")
        return bytes(content[start : len(content) if size is None else start + size])

    def sync(self, name: str) -> None:
        """This file is durable as it is."""
        self._synced[name] = self.length(name)

    def sync_all(self) -> None:
        """Every file is durable as it is."""
        for name in self._files:
            self.sync(name)

    def is_synced(self, name: str) -> bool:
        """Whether a crash would leave it as it is."""
        return self._synced.get(name, 0) == self.length(name)

    def delete(self, name: str) -> None:
        """Gone, and gone for good."""
        self._files.pop(name, None)
        self._synced.pop(name, None)

    def crash(self, random: Random) -> None:
        """Each file loses some of what was not synced."""
        for name, content in self._files.items():
            synced = self._synced.get(name, 0)
            del content[random.randint(synced, len(content)) :]
            self.sync(name)
