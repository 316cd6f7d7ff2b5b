"""How far one stream was seen, and whether its file is still the one that was seen. Not where it lies.

A command that opens `/dev/stdout` with `>` empties its own file, as with any redirection to a file. The
file's first bytes as they were seen tell of it, however much was printed since: the stream then goes on
behind what was seen, and what was in front is a gap. A mark stands first in a new file, so that there are
first bytes before anything is printed.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass, replace
from zlib import crc32

MARK = b"\0devopsclaw spill"
"""First bytes of a spill file. They are no output; where they are missing the file was emptied."""
HEAD = 4096
"""Bytes at the beginning of a file by which it is known again. They are never punched out."""

NOTE = struct.Struct("<Bqqq")
"""A track for a later life: 1, base, length, head. Zeros are no track."""


@dataclass(frozen=True, slots=True)
class Track:
    """What was seen. `base` is the offset that the file's first byte would have, `length` where the stream
    ends; `head` is the CRC-32 of the file's first bytes, `changed` its time of change, in ns. In front of
    `punched`, a place in the file, no more is to be punched out.
    """

    base: int = -len(MARK)
    length: int = 0
    head: int = crc32(MARK)
    changed: int = 0
    punched: int = HEAD

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return self.length - self.base

    @property
    def was_emptied(self) -> bool:
        """Whether the beginning of the stream is not in the file any more."""
        return self.base >= 0

    def look(self, descriptor: int) -> Track:
        """The track as the open file has it now. Raises OSError."""
        found = os.fstat(descriptor)
        head = os.pread(descriptor, HEAD, 0)
        size = max(found.st_size, HEAD) if len(head) == HEAD else len(head)  # of the same moment as the head
        if size < self.size or crc32(head[: self.size]) != self.head:
            return Track(self.length, self.length + size, crc32(head), found.st_mtime_ns)
        return replace(self, length=self.base + size, head=crc32(head), changed=found.st_mtime_ns)

    def lose(self) -> Track:
        """Nothing that was seen can be read any more."""
        return Track(self.length, self.length, crc32(b""))

    def packed(self) -> bytes:
        """What a later life needs of it."""
        return NOTE.pack(1, self.base, self.length, self.head)


def unpack(note: bytes) -> Track:
    """The track that was noted; that of a new file where nothing was."""
    if len(note) < NOTE.size or not note[0]:
        return Track()
    _, base, length, head = NOTE.unpack_from(note)
    return Track(base, length, head)
