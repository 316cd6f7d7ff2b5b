"""One node as delivery sees it: its session's fence, the question it was asked, and its commands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from devopsclaw.fleet.entry import Entry
from devopsclaw.model.headers import RECONCILE_COMMANDS
from devopsclaw.model.state import State

UNHEARD = -1
"""No frame of this epoch was seen by this process: the first one may have any number."""


@dataclass(slots=True)
class NodeSession:
    """`epoch` only grows. `seq` is the last frame's number in it. Times are steady.

    `serial`: of the last RECONCILE; `awaited`: answers to it that are still to come; `has_gap`: a frame was
    lost while waiting for them, so they do not tell everything. `lost_due`, `ask_due`: when to give up, to
    ask again.
    """

    uid: str
    is_connected: bool = False
    epoch: int = 0
    seq: int = UNHEARD
    serial: int = 0
    awaited: int = 0
    has_gap: bool = False
    heard_at: float = 0.0
    lost_due: float | None = None
    ask_due: float | None = None
    entries: dict[str, Entry] = field(default_factory=dict)

    def enter(self, epoch: int) -> None:
        """The node is connected in this epoch."""
        if epoch != self.epoch:
            self.seq = 0 if self.epoch else UNHEARD
        self.epoch = epoch
        self.is_connected = True
        self.lost_due = None

    def takes(self, epoch: int, seq: int) -> bool:
        """Whether this frame is of the one live epoch and was not overtaken; notes what is missing."""
        if epoch != self.epoch or seq <= self.seq:
            return False
        if self.seq not in (UNHEARD, seq - 1):
            self.has_gap = True
        self.seq = seq
        return True

    def positions(self) -> Iterator[list[dict[str, Any]]]:
        """Offsets of all its commands that were sent: at least one list, each fit for one header."""
        sent = [entry for entry in self.entries.values() if entry.state is not State.PENDING]
        positions = [
            {"command": entry.id, "stdout": entry.stdout.offset, "stderr": entry.stderr.offset}
            for entry in sent
        ]
        for start in range(0, max(len(positions), 1), RECONCILE_COMMANDS):
            yield positions[start : start + RECONCILE_COMMANDS]
