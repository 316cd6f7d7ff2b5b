"""The files one command prints into: how long they are, what is kept, who still holds them.

The spill is the truth, whoever reads it is a cursor. A stream that outgrows its cap is not cut off,
which would end or block the command: the daemon punches its middle out of the file, so that offsets
stay exact while the disk gets it back. While no daemon runs, the file is simply longer; the gap is
a function of length and cap alone. Where the system cannot punch holes (outside Linux) the disk is
given back only when the files go.

Whatever is told of a stream is noted first, so that a life after a kill knows from where on the file goes
on. The note stands behind the shim's lines, in the room that was set aside for them: a full disk takes
it, and no file is made for it. It is not synced, as the spill is not: a lost power ends the command too.
"""

from __future__ import annotations

import ctypes
import fcntl
import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from devopsclaw.host.process import Streams, open_stream
from devopsclaw.host.shim import ExitFile, parse_exit
from devopsclaw.host.track import MARK, NOTE, Track, unpack
from devopsclaw.model.errors import Damaged
from devopsclaw.model.process import OUTPUT_CAP, STREAMS, Gap, gap_of

CHUNK = 1 << 20
"""Bytes hashed or punched at least at a time."""
PAGE = 4096
KEEP_SIZE_AND_PUNCH = 0x01 | 0x02
"""`FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE`, source: linux/falloc.h."""
EXIT_RESERVED = 4096
"""Bytes set aside in the exit file, so that a full disk does not eat how a command ended."""

NOTES_AT = EXIT_RESERVED - len(STREAMS) * NOTE.size
"""Where in the exit file the tracks of the streams are noted. The shim's lines are some tens of bytes."""

EMPTIED = "the command emptied its own {}: it opened /dev/stdout or /dev/stderr with > and not with >>"
LOOK_AT_DISK = "look at the disk of the node, and at who owns the file"


class Gone(Damaged):
    """The file is not there: it never was, or somebody deleted it."""


class Spill:
    """The spill files of one command, by path: no descriptor stays open for a silent command."""

    def __init__(self, folder: Path, command_id: str, cap: int = OUTPUT_CAP) -> None:
        self._paths = {name: folder / f"{command_id}.{name}" for name in (*STREAMS, "exit")}
        self._cap = cap
        self._tracks = {stream: Track() for stream in STREAMS}
        self._damage: dict[str, str] = {}
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
                self._tracks[stream] = Track(changed=os.fstat(opened[-1]).st_mtime_ns)
            opened.append(open_stream(self.path("exit"), 0))
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(opened[-1], 0, EXIT_RESERVED)
        except OSError:
            for descriptor in opened:
                os.close(descriptor)
            raise
        return Streams(*opened)

    def resume(self) -> None:
        """Go on from what an earlier life had seen and told. Raises Damaged."""
        try:
            with self._opened("exit") as descriptor:
                notes = os.pread(descriptor, len(STREAMS) * NOTE.size, NOTES_AT)
        except Gone:
            return
        for number, stream in enumerate(STREAMS):
            self._tracks[stream] = unpack(notes[number * NOTE.size :])

    def exit_file(self) -> ExitFile:
        """What the shim has written so far; nothing, where it never began. Raises Damaged."""
        try:
            with self._opened("exit") as descriptor:
                return parse_exit(os.pread(descriptor, NOTES_AT, 0).rstrip(b"\0"))
        except Gone:
            return ExitFile()

    def written_at(self) -> float:
        """Wall time of the last word in the exit file: where that is whole, when the command ended, until
        something is noted there. 0 where it is gone. Raises Damaged.
        """
        try:
            with self._opened("exit") as descriptor:
                return os.fstat(descriptor).st_mtime
        except Gone:
            return 0.0

    def is_held(self, name: str) -> bool:
        """Whether some process still has this file as the shim got it: `exit` is the shim's alone.

        Raises Damaged.
        """
        try:
            with self._opened(name) as descriptor:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except Gone:
            return False
        except BlockingIOError:
            return True
        return False

    def measure(self, stream: str) -> int:
        """Bytes printed so far, kept or not; never less than before, fixed after `finish`. Raises Damaged."""
        track = self._tracks[stream]
        if not self._is_final and self._stamp(stream) != (track.size, track.changed):
            track = self._look(stream)
            if track.packed() != self._tracks[stream].packed():
                self._note(stream, track)
            self._tracks[stream] = track
        return self._tracks[stream].length

    def _stamp(self, stream: str) -> tuple[int, int]:
        """Size and time of change of the file: asked often, so without opening it."""
        try:
            found = os.stat(self._paths[stream])  # noqa: PTH116 (a quarter of the time)
        except OSError as failed:
            raise _unreadable(self._paths[stream], failed) from failed
        return found.st_size, found.st_mtime_ns

    def _look(self, stream: str) -> Track:
        with self._opened(stream) as descriptor:
            return self._tracks[stream].look(descriptor)

    def _note(self, stream: str, track: Track) -> None:
        with self._opened("exit", os.O_WRONLY) as descriptor:
            os.pwrite(descriptor, track.packed(), NOTES_AT + STREAMS.index(stream) * NOTE.size)

    def finish(self) -> None:
        """Take the lengths as they are now: what left-over processes still print is not counted.

        Looks even where nothing seems to have changed: clocks of file systems are coarse. A stream that
        cannot be read is lost. No note is taken: a later life would find the same.
        """
        for stream in STREAMS:
            try:
                self._tracks[stream] = self._look(stream)
            except Damaged as damaged:
                self.lose(stream, damaged)
        self._is_final = True

    def lose(self, stream: str, damaged: Damaged) -> None:
        """What was seen of the stream is a gap from here on, and `troubles` says why."""
        self._tracks[stream] = self._tracks[stream].lose()
        self._damage[stream] = damaged.message

    def recall(self, lengths: Mapping[str, int], gaps: Iterable[Gap]) -> None:
        """Take the lengths from a journal, of a command that finished in an earlier life.

        A gap at the beginning is what the command threw away: only then the rest lies elsewhere.
        """
        bases = {gap.stream: gap.end for gap in gaps if gap.start == 0}
        for stream, length in lengths.items():
            self._tracks[stream] = Track(bases.get(stream, -len(MARK)), length)
        self._is_final = True

    def length(self, stream: str) -> int:
        """The length at the last measuring."""
        return self._tracks[stream].length

    def lost(self, stream: str) -> int:
        """Bytes at the beginning of the stream that were there and are not any more."""
        return max(0, self._tracks[stream].base)

    def troubles(self) -> list[str]:
        """Why beginnings were lost, in words for people."""
        emptied = [
            stream
            for stream, track in self._tracks.items()
            if track.was_emptied and stream not in self._damage
        ]
        told = [EMPTIED.format(" and ".join(emptied))] if emptied else []
        return [*self._damage.values(), *told]

    def gaps(self, stream: str) -> list[Gap]:
        """What is not kept of the length at the last measuring: at most what was emptied, and a middle."""
        track = self._tracks[stream]
        first = self.lost(stream)
        lost = [Gap(stream, 0, first)] if first else []
        middle = gap_of(stream, track.length - first, self._cap)
        return [*lost, Gap(stream, first + middle.start, first + middle.end)] if middle else lost

    def read(self, stream: str, offset: int, limit: int) -> bytes:
        """At most `limit` kept bytes from this offset; empty at the end and inside a gap. Raises Damaged."""
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
        """SHA-256, hex, of the kept bytes in order of offset. Raises Damaged."""
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
        self._tracks[stream] = replace(track, punched=end)
        return start, end - start

    def remove(self) -> None:
        """Delete the files. Who still prints into them does so unseen. Raises Damaged."""
        for name in (*STREAMS, "exit"):
            try:
                self.path(name).unlink(missing_ok=True)
            except OSError as failed:
                raise Damaged(
                    f"the node cannot delete {self.path(name)}: {failed.strerror}", hint=LOOK_AT_DISK
                ) from failed

    @contextmanager
    def _opened(self, name: str, flags: int = os.O_RDONLY) -> Iterator[int]:
        """The file's descriptor. Raises Gone, and Damaged for whatever the system refuses in the block."""
        path = self._paths[name]
        try:
            descriptor = os.open(path, flags | os.O_CLOEXEC)
            try:
                yield descriptor
            finally:
                os.close(descriptor)
        except BlockingIOError:
            raise
        except OSError as failed:
            raise _unreadable(path, failed) from failed


def _unreadable(path: Path, failed: OSError) -> Damaged:
    kind = Gone if isinstance(failed, FileNotFoundError) else Damaged
    return kind(f"the node cannot read {path}: {failed.strerror}", hint=LOOK_AT_DISK)


def punch(path: Path, start: int, length: int) -> bool:
    """Free this part of a file; its size stays. False where system, file system or file does not let us.

    Takes 0.1 ms for each MiB, so it is called in a thread.
    """
    library = ctypes.CDLL(None, use_errno=True)
    name = "fallocate64" if hasattr(library, "fallocate64") else "fallocate"
    if not hasattr(library, name):
        return False
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    except OSError:
        return False  # whoever reads the file is told; here only disk is lost
    try:
        answer = getattr(library, name)(
            descriptor, KEEP_SIZE_AND_PUNCH, ctypes.c_int64(start), ctypes.c_int64(length)
        )
    finally:
        os.close(descriptor)
    return bool(answer == 0)
