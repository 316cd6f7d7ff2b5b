"""What the node machine asks its driver to do, and what the driver tells it. Values only.

Effects are executed strictly in the order in which they were returned, across all calls. A `Record`
is durable before anything after it is done: that order is the proof that nothing is started twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from devopsclaw.model.headers import EMPTY_SHA256, Gap, Stream
from devopsclaw.wire.frames import Frame
from devopsclaw.wire.offer import Offer

JournalState = Literal["accepted", "starting", "running", "finished", "acked"]


@dataclass(frozen=True, slots=True)
class Record:
    """Write the command's row: its state, and these fields merged over those it has. JSON values only."""

    command: str
    state: JournalState
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Send:
    """Send to the controller. Dropped without a word when the frame's epoch is no longer the session's."""

    frame: Frame


@dataclass(frozen=True, slots=True)
class Start:
    """Start the command now. Answered by `on_started`, or by `on_finished` where it could not start.

    The journal may have waited for its disk: if `offer.envelope.not_after` has passed meanwhile, the driver
    starts nothing and answers with an outcome that is `expired`.
    """

    command: str
    offer: Offer


@dataclass(frozen=True, slots=True)
class Stop:
    """TERM to the group, `grace` seconds, KILL, then the sweep. Answered by `on_finished`.

    Asked for only after `on_started`, so the process is known to the driver or has just ended.
    """

    command: str
    why: Literal["timeout", "cancel"]
    grace: float


@dataclass(frozen=True, slots=True)
class Read:
    """Read at most `limit` bytes of the spill file. Answered by one `on_chunk`, empty where none are left."""

    command: str
    stream: Stream
    offset: int
    limit: int


@dataclass(frozen=True, slots=True)
class Watch:
    """The daemon was restarted over this command: find out what became of it, start nothing.

    Answered by `on_finished` from the exit file; else by `on_started` if its process still lives (same
    pid, start time and boot) and by `on_finished` later; else by `on_finished` as interrupted.
    `fields` are its row's: at (wall), steady and boot of its start; pid and start_time if they are known.
    """

    command: str
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Forget:
    """The controller holds everything: delete the spill files."""

    command: str


@dataclass(frozen=True, slots=True)
class Purge:
    """The command can no longer be offered: delete its row."""

    command: str


Effect = Record | Send | Start | Stop | Read | Watch | Forget | Purge


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the driver found when a command ended; the spill files were synced before.

    `interrupted`: it cannot be found out how it ended. `expired`: it was too late to start it. `reason`:
    why it could not start. Lengths count gaps, digests do not: they are over the kept bytes in the order of
    offsets. `started_at` is wall time.
    """

    exit_code: int | None = None
    signal: int | None = None
    interrupted: bool = False
    expired: bool = False
    reason: str = ""
    stdout_length: int = 0
    stderr_length: int = 0
    stdout_sha256: str = EMPTY_SHA256
    stderr_sha256: str = EMPTY_SHA256
    gaps: tuple[Gap, ...] = ()
    left: tuple[str, ...] = ()
    survivors: tuple[str, ...] = ()
    started_at: float = 0.0
    duration: float = 0.0


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the journal as it was found at start: the last state, and all fields ever recorded."""

    command: str
    state: JournalState
    fields: Mapping[str, Any]


class Rejected(Exception):
    """An offer or a cancel is refused; `code` is stable, `message` is for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
