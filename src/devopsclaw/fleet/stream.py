"""One stream of one command as far as the controller holds it: offsets and digest, not the bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from devopsclaw.model.headers import CREDIT_WINDOW, EMPTY_SHA256


class Hole(Exception):
    """Bytes before these are missing; the node has to be asked to go back."""


class Kept:
    """`offset`: everything before it is kept or a known gap. `granted`: up to where the node may send."""

    __slots__ = ("_sha256", "granted", "offset")

    def __init__(self) -> None:
        self.offset = 0
        self.granted = CREDIT_WINDOW
        self._sha256: hashlib._Hash | None = None

    @classmethod
    def of(cls, chunks: Iterable[bytes], skipped: int = 0) -> Kept:
        """What was stored before a restart: its bytes in order, and how many bytes its gaps have."""
        kept = cls()
        for chunk in chunks:
            kept.take(kept.offset, chunk)
        kept.offset += skipped
        return kept

    @property
    def sha256(self) -> str:
        """Of the kept bytes, hex."""
        return self._sha256.hexdigest() if self._sha256 else EMPTY_SHA256

    def take(self, offset: int, data: bytes) -> bytes:
        """The part of these bytes that is new, empty where none is. Raises Hole."""
        if offset > self.offset:
            raise Hole
        new = data[self.offset - offset :]
        if new and self._sha256 is None:
            self._sha256 = hashlib.sha256()  # made late: most of 5,000 commands print to one stream only
        if self._sha256 is not None:
            self._sha256.update(new)
        self.offset += len(new)
        return new

    def skip(self, start: int, end: int) -> tuple[int, int] | None:
        """The part of this gap that is new. Raises Hole.

        A gap from 0 over bytes that are here: the command threw its output away, and the node's digest is
        over what follows.
        """
        if start > self.offset:
            raise Hole
        if start == 0 and end >= self.offset and self._sha256:
            self._sha256, self.offset = None, end
            return (0, end)
        if end <= self.offset:
            return None
        new = (self.offset, end)
        self.offset = end
        return new

    def grant(self) -> bool:
        """Open the window again once half of it is used up; whether the node has to be told."""
        if self.granted - self.offset > CREDIT_WINDOW // 2:
            return False
        self.granted = self.offset + CREDIT_WINDOW
        return True

    def grant_all(self) -> None:
        """What a RECONCILE grants: a whole window from here."""
        self.granted = max(self.granted, self.offset + CREDIT_WINDOW)
