"""A command's process on a simulated server: prints, ends, obeys TERM or not. It outlives the daemon."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache

from devopsclaw.model.headers import Gap, Stream

EMPTIED_AT = 0.6
"""Part of its time after which a command that empties its output does so."""
STREAMS: tuple[Stream, Stream] = ("stdout", "stderr")


@dataclass(frozen=True)
class Script:
    """What a command will do. Sizes in bytes, times in seconds."""

    duration: float
    exit_code: int
    stdout: int
    stderr: int
    cap: int
    ignores_term: bool
    cannot_start: bool
    empties: bool = False
    """Whether it throws away what it printed to stdout, at `EMPTIED_AT` of its time, and prints on."""

    def size(self, stream: Stream) -> int:
        """Bytes it prints there if it is left alone."""
        return self.stdout if stream == "stdout" else self.stderr

    def thrown_away(self, stream: Stream) -> int:
        """Bytes of a stream that are in no file any more once it has thrown them away."""
        return int(self.size(stream) * EMPTIED_AT) if self.empties and stream == "stdout" else 0


@dataclass
class SimProcess:
    """`printed` counts bytes by stream; the bytes are those of `printed_bytes`."""

    pid: int
    command: str
    script: Script
    started: float
    is_alive: bool = True


@dataclass(frozen=True)
class Track:
    """What a daemon has seen of a stream and noted: how often its file was emptied, the offset of the file's
    first byte, and where the stream ends.
    """

    emptied: int = 0
    base: int = 0
    length: int = 0


@dataclass(frozen=True)
class Exit:
    """What the shim wrote when the shell ended."""

    exit_code: int | None
    signal: int | None


@lru_cache(maxsize=64)
def printed_bytes(command: str, stream: Stream, size: int) -> bytes:
    """The true output of a command: different at each offset, for each command and stream."""
    block = hashlib.sha256(f"{command}/{stream}".encode()).digest() * 8
    numbered = (block + index.to_bytes(4, "big") for index in range(size // (len(block) + 4) + 1))
    return b"".join(numbered)[:size]


def gap_of(length: int, cap: int) -> tuple[int, int] | None:
    """What is not kept of a stream of this length: all but its first half cap and its last half cap."""
    return (cap // 2, length - cap // 2) if length > cap else None


def gaps_of(tracks: dict[Stream, Track], cap: int) -> tuple[Gap, ...]:
    """The gaps of both streams: what was thrown away, and the middle of what is in the file."""
    found: list[Gap] = []
    for stream, track in tracks.items():
        if track.base:
            found.append((stream, 0, track.base))
        if gap := gap_of(track.length - track.base, cap):
            found.append((stream, track.base + gap[0], track.base + gap[1]))
    return tuple(found)


def without_gap(content: bytes, cap: int) -> bytes:
    """What is kept of a stream."""
    gap = gap_of(len(content), cap)
    return content if gap is None else content[: gap[0]] + content[gap[1] :]
