"""The files one command prints into: how long they are, what is kept, who still holds them.

The spill is the truth, whoever reads it is a cursor. A stream that outgrows its cap is not cut off,
which would end or block the command: the daemon punches its middle out of the file, so that offsets
stay exact while the disk gets it back. While no daemon runs, the file is simply longer; the gap is
a function of length and cap alone. Where the system cannot punch holes (outside Linux) the disk is
given back only when the files go.

A command that opens `/dev/stdout` with `>` empties its own file, as with any redirection to a file.
Each file begins with a mark, so that this is noticed and said: the stream then goes on behind the
length seen before, and what was in front is a gap.
"""

from __future__ import annotations

import ctypes
import fcntl
import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from devopsclaw.host.process import Streams, open_stream
from devopsclaw.host.shim import ExitFile, parse_exit
from devopsclaw.model.process import OUTPUT_CAP, STREAMS, Gap, gap_of

CHUNK = 1 << 20
"""Bytes hashed or punched at least at a time."""
PAGE = 4096
KEEP_SIZE_AND_PUNCH = 0x01 | 0x02
"""`FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE`, source: linux/falloc.h."""
EXIT_RESERVED = 4096
"""Bytes set aside for the exit file, so that a full disk does not eat how a command ended."""


MARK = b"\0devopsclaw spill"
"""First bytes of a spill file. They are no output; where they are missing the file was emptied."""


class Track:
    """What is known of one stream. `base` is the offset that the file's first byte would have."""

    def __init__(self) -> None:
        self.length = 0
        self.size = len(MARK)
        self.base = -len(MARK)
        self.punched = 0

    @property
    def was_emptied(self) -> bool:
        """Whether the command threw away some of its own output."""
        return self.base >= 0

    def empty(self) -> None:
        """The file begins anew: what it holds now follows what was seen."""
        self.base, self.size, self.punched = self.length, 0, 0

    def grow(self, size: int) -> None:
        """The file is this long now."""
        self.size = size
        self.length = self.base + size


class Spill:
    """The spill files of one command, by path: no descriptor stays open for a silent command."""

    def __init__(self, folder: Path, command_id: str, cap: int = OUTPUT_CAP) -> None:
        self._paths = {name: folder / f"{command_id}.{name}" for name in (*STREAMS, "exit")}
        self._cap = cap
        self._tracks = {stream: Track() for stream in STREAMS}
        self._is_final = False

    def path(self, name: str) -> Path:
        """The file called `stdout`, `stderr` or `exit`.

        Files of all commands lie in one folder: making a folder for each takes 0.2 ms on ext4.
        """
        return self._paths[name]

    def create(self) -> Streams:
        """Make the three files, marked and locked. Raises OSError; FileExistsError if it ever began."""
        opened: list[int] = []
        try:
            for stream in STREAMS:
                opened.append(open_stream(self.path(stream), os.O_APPEND))
                os.write(opened[-1], MARK)
            opened.append(open_stream(self.path("exit"), 0))
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(opened[-1], 0, EXIT_RESERVED)
        except OSError:
            for descriptor in opened:
                os.close(descriptor)
            raise
        return Streams(*opened)

    def exit_file(self) -> ExitFile:
        """What the shim has written so far."""
        try:
            return parse_exit(self.path("exit").read_bytes().rstrip(b"\0"))
        except FileNotFoundError:
            return ExitFile()

    def is_held(self, name: str) -> bool:
        """Whether some process still has this file as the shim got it: `exit` is the shim's alone."""
        try:
            descriptor = os.open(self.path(name), os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False

    def measure(self, stream: str) -> int:
        """Bytes printed so far, kept or not; never less than before, fixed after `finish`."""
        track = self._tracks[stream]
        if not self._is_final and self._size(stream) != track.size:
            with self._opened(stream) as descriptor:
                self._look(track, descriptor)
        return track.length

    def _size(self, stream: str) -> int:
        """Bytes of the file, 0 where it is gone: asked often, so without opening it."""
        try:
            return os.stat(self._paths[stream]).st_size  # noqa: PTH116 (a quarter of the time)
        except FileNotFoundError:
            return 0

    def _look(self, track: Track, descriptor: int) -> None:
        size = os.fstat(descriptor).st_size
        if size == track.size:
            return
        is_new = not track.was_emptied and os.pread(descriptor, len(MARK), 0) != MARK
        if is_new or size < track.size:
            track.empty()
        track.grow(size)

    def finish(self) -> None:
        """Take the lengths as they are now: what left-over processes still print is not counted."""
        for stream in STREAMS:
            self.measure(stream)
        self._is_final = True

    def recall(self, lengths: Mapping[str, int]) -> None:
        """Take the lengths from a journal, of a command that finished in an earlier life."""
        for stream, length in lengths.items():
            self._tracks[stream].length = length
        self._is_final = True

    def length(self, stream: str) -> int:
        """The length at the last measuring."""
        return self._tracks[stream].length

    def emptied(self) -> list[str]:
        """The streams whose files the command emptied itself."""
        return [stream for stream in STREAMS if self._tracks[stream].was_emptied]

    def gaps(self, stream: str) -> list[Gap]:
        """What is not kept of the length at the last measuring: at most what was emptied, and a middle."""
        track = self._tracks[stream]
        first = max(0, track.base)
        lost = [Gap(stream, 0, first)] if first else []
        middle = gap_of(stream, track.length - first, self._cap)
        return [*lost, Gap(stream, first + middle.start, first + middle.end)] if middle else lost

    def read(self, stream: str, offset: int, limit: int) -> bytes:
        """At most `limit` kept bytes from this offset; empty at the end and inside a gap."""
        track = self._tracks[stream]
        end = min(offset + limit, track.length)
        for gap in self.gaps(stream):
            if gap.start <= offset < gap.end:
                return b""
            if offset < gap.start:
                end = min(end, gap.start)
        with self._opened(stream) as descriptor:
            return os.pread(descriptor, max(0, end - offset), offset - track.base)

    def digest(self, stream: str) -> str:
        """SHA-256, hex, of the kept bytes in order of offset."""
        hashed, offset = hashlib.sha256(), 0
        for gap in [*self.gaps(stream), Gap(stream, self.length(stream), self.length(stream))]:
            while offset < gap.start and (piece := self.read(stream, offset, CHUNK)):
                hashed.update(piece)
                offset += len(piece)
            offset = gap.end
        return hashed.hexdigest()

    def surplus(self, stream: str) -> tuple[int, int] | None:
        """Start and length of the next piece of the file to punch; None until it is worth it."""
        track = self._tracks[stream]
        middle = [gap for gap in self.gaps(stream) if gap.start >= max(1, track.base)]
        if not middle:
            return None
        start = max(track.punched, -(-(middle[0].start - track.base) // PAGE) * PAGE)
        end = (middle[0].end - track.base) // PAGE * PAGE
        if end - start < CHUNK:
            return None
        track.punched = end
        return start, end - start

    def remove(self) -> None:
        """Delete the files. Who still prints into them does so unseen."""
        for name in (*STREAMS, "exit"):
            self.path(name).unlink(missing_ok=True)

    @contextmanager
    def _opened(self, name: str) -> Iterator[int]:
        """The file for reading; an empty one where it is gone, so that a lost file is no output."""
        try:
            descriptor = os.open(self.path(name), os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            descriptor = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        try:
            yield descriptor
        finally:
            os.close(descriptor)


def punch(path: Path, start: int, length: int) -> bool:
    """Free this part of a file; its size stays. False where system or file system cannot.

    Takes 0.1 ms for each MiB, so it is called in a thread.
    """
    library = ctypes.CDLL(None, use_errno=True)
    name = "fallocate64" if hasattr(library, "fallocate64") else "fallocate"
    if not hasattr(library, name):
        return False
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        answer = getattr(library, name)(
            descriptor, KEEP_SIZE_AND_PUNCH, ctypes.c_int64(start), ctypes.c_int64(length)
        )
    finally:
        os.close(descriptor)
    return bool(answer == 0)
