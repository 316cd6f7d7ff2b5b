"""What a node knows of a command it started: who it is, what it printed, how it ended. Values only."""

from __future__ import annotations

from dataclasses import dataclass

STREAMS = ("stdout", "stderr")

MIB = 1 << 20
OUTPUT_CAP = 16 * MIB
"""Bytes kept of one stream, unless the envelope says otherwise (security.md §2.7)."""
TAIL_KEPT = 4 * MIB
"""Bytes of them that are the end of a stream that outgrew its cap (security.md §2.7)."""


@dataclass(frozen=True, slots=True)
class Started:
    """The shim of a command. All three together name a process for ever; a pid alone is used again.

    `start_time` counts clock ticks since boot, `boot_id` is the kernel's; 0 and empty where the
    system tells neither.
    """

    pid: int
    start_time: int
    boot_id: str


@dataclass(frozen=True, slots=True)
class Gap:
    """Bytes of a stream that were not kept: `start` inclusive, `end` exclusive."""

    stream: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Printed:
    """A stream grew to `length` bytes, kept or not.

    Before the end only the head of a long stream is sure to be kept, see `gap_of`. `lost`: so many
    bytes at its beginning were there and are not any more.
    """

    command: str
    stream: str
    length: int
    lost: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a command ended, and what there is of its output.

    `exit_code` and `signal` exclude each other. `interrupted`: nobody can know how it ended;
    `reason` says why. Lengths count every byte printed until the end, hashes cover the kept
    ones in order of offset (SHA-256, hex). `left` lives on, `survivors` outlived the kill:
    `1234 sleep` each. `ended_at`: wall time of an end that nobody saw, else 0.
    """

    exit_code: int | None = None
    signal: int | None = None
    interrupted: bool = False
    reason: str = ""
    stdout_length: int = 0
    stderr_length: int = 0
    stdout_sha256: str = ""
    stderr_sha256: str = ""
    gaps: tuple[Gap, ...] = ()
    left: tuple[str, ...] = ()
    survivors: tuple[str, ...] = ()
    ended_at: float = 0.0


def gap_of(stream: str, length: int, cap: int) -> Gap | None:
    """What is not kept of a stream of `length` bytes; None while it is not longer than its cap.

    Beyond the cap the tail is kept, and in front of it as much as the cap still allows: that head
    does not shrink however much follows, so what was sent of it stays true. A pure function, so a
    node that was killed in the middle needs no record of it.
    """
    if length <= cap:
        return None
    tail = min(TAIL_KEPT, cap // 4)
    return Gap(stream, cap - tail, length - tail)
