"""The words for where a node's part of a job stands, and the exit code that follows from them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from enum import StrEnum


class State(StrEnum):
    """Of one node in one job. After `running` comes exactly one of the terminal words."""

    PENDING = "pending"
    QUEUED = "queued"
    SENT = "sent"
    RUNNING = "running"
    OK = "ok"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    KILLED = "killed"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"
    EXPIRED = "expired"
    DENIED = "denied"
    UNREACHABLE = "unreachable"
    UNKNOWN = "unknown"

    @property
    def is_final(self) -> bool:
        """Whether the state ends the node's part; `unknown` may still become the truth."""
        return self not in LIVE


LIVE = frozenset({State.PENDING, State.QUEUED, State.SENT, State.RUNNING})

EXIT_LADDER: tuple[tuple[frozenset[State], int], ...] = (
    (frozenset({State.FAILED, State.KILLED, State.DENIED}), 1),
    (frozenset({State.TIMED_OUT}), 6),
    (frozenset({State.UNREACHABLE, State.EXPIRED}), 4),
    (frozenset({State.CANCELLED}), 13),
)
"""Design §10, precedence after `unknown` (7) and a stop by budget or gate (5)."""


def exit_code(states: Iterable[State], *, stopped: bool = False) -> int:
    """The exit code of a whole job: precedence 7 5 1 6 4 13 0; 8 while something still runs."""
    present = set(states)
    if State.UNKNOWN in present:
        return 7
    if stopped:
        return 5
    if present & LIVE:
        return 8
    return next((code for words, code in EXIT_LADDER if present & words), 0)


WORDS: dict[int, str] = {0: "ok", 1: "failed", 4: "unreachable", 5: "stopped", 6: "timed_out", 7: "unknown"}


STOPPED_BY_HAND = frozenset({State.OK, State.SKIPPED, State.KILLED, State.CANCELLED})
"""Ends of the nodes of a job that a person stopped and in which nothing else went wrong."""


def word_of(code: int, states: Collection[State] = (), *, is_cancelled: bool = False) -> str:
    """The word for a whole job that ended with this exit code.

    Where a person stopped it (`is_cancelled`), nodes that were killed by that have not failed: the word is
    `cancelled` then, while the code is that of the design, 1.
    """
    if code == 1 and is_cancelled and STOPPED_BY_HAND.issuperset(states):
        return "cancelled"
    return WORDS.get(code, "cancelled")


def counted(states: Iterable[State]) -> dict[str, int]:
    """How many nodes stand in which state, in the order of the states; none where there is none."""
    found = Counter(states)
    return {state.value: found[state] for state in State if found[state]}


class Link(StrEnum):
    """How well a node is connected, by the age of the last thing heard from it."""

    ONLINE = "online"
    LATE = "late"
    OFFLINE = "offline"
    LOST = "lost"


LATE_AFTER, OFFLINE_AFTER, LOST_AFTER = 45.0, 90.0, 600.0
"""Seconds, design §6."""


def link_of(age: float, *, connected: bool = True) -> Link:
    """The word for a node last heard `age` seconds ago; a closed session is at best offline."""
    if age >= LOST_AFTER:
        return Link.LOST
    if age >= OFFLINE_AFTER or not connected:
        return Link.OFFLINE
    return Link.LATE if age >= LATE_AFTER else Link.ONLINE
