"""What a node knows of a command it started: who it is, what it printed, how it ended. Values only."""

from __future__ import annotations

from dataclasses import dataclass

STREAMS = ("stdout", "stderr")

MIB = 1 << 20
OUTPUT_CAP = 16 * MIB
"""Bytes of one stream kept whole, unless the envelope says otherwise (design §7)."""
TAIL_KEPT = 4 * MIB
"""Bytes kept of the end of a stream that outgrew its cap (design §7; security.md §2.7)."""


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

    Before the end only its head is sure to be kept, see `head_of`.
    """

    command: str
    stream: str
    length: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a command ended, and what there is of its output.

    `exit_code` and `signal` exclude each other. `interrupted`: nobody can know how it ended;
    `reason` says why. Lengths count every byte printed until the end, hashes cover the kept
    ones in order of offset (SHA-256, hex). `left` lives on, `survivors` outlived the kill:
    `1234 sleep` each.
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


def head_of(cap: int) -> int:
    """Bytes at the beginning of a stream that are kept however much follows: all that the cap allows.

    So whatever was sent of a running command stays true, and a reader never waits below the cap.
    """
    return cap


def gap_of(stream: str, length: int, cap: int) -> Gap | None:
    """What is not kept of a stream of `length` bytes, between head and tail; None where all of it is.

    A pure function, so a node that was killed in the middle needs no record of it. The tail is at
    most a quarter of the cap, so that a small cap means little output.
    """
    end = length - min(TAIL_KEPT, cap // 4)
    return Gap(stream, head_of(cap), end) if end > head_of(cap) else None
