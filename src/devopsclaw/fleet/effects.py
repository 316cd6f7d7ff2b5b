"""What delivery asks its driver to do, and what it is given. Values only.

Effects are executed strictly in the order in which they were returned, across all calls. Every `Record`
and `Keep` before a `Send` is durable before that frame goes out; a `Keep` before a CREDIT need only be
taken, since the node deletes nothing before DONE_ACK. Who writes in batches may make records durable
earlier than they stand here, but no `ended` before the `Keep`s in front of it, and no `Keep` before the gap
in front of it: after a restart offsets are counted from what is stored.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from devopsclaw.fleet.stream import Kept
from devopsclaw.model.headers import Report, Stream
from devopsclaw.model.state import State
from devopsclaw.wire.frames import Frame
from devopsclaw.wire.offer import seal_of

RecordKind = Literal["sent", "accepted", "gap", "cancelling", "unknown", "damaged", "ended"]


@dataclass(frozen=True, slots=True)
class Record:
    """Append to the run log. JSON values only.

    sent {} · accepted {at: wall} · gap {stream, start, end}: from 0 on it stands for what was kept before ·
    cancelling {} · unknown {reason}: may still become the truth · ended {status, reason, and the node's
    report if there is one}: final · damaged, as ended: the report is kept, but the output is not what the
    node sent; never acknowledged.
    """

    command: str
    kind: RecordKind
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Send:
    """Send to the node that the header names; dropped without a word while there is no way to it."""

    frame: Frame


@dataclass(frozen=True, slots=True)
class Keep:
    """Append these bytes to the command's stored stream; `offset` counts gaps too."""

    command: str
    stream: Stream
    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Moved:
    """The command came into a state that is not its end; `unknown` may repeat with another reason."""

    command: str
    state: State
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Ended:
    """The command's end. `report` is the node's, where the node reported."""

    command: str
    state: State
    reason: str = ""
    report: Report | None = None


@dataclass(frozen=True, slots=True)
class Recall:
    """A node reports the end of a command that is not held here.

    The driver looks the command up, and calls `on_recalled` if the run log has this report of this node,
    or if it says that nothing ever ran; then the node may delete it. Any other command is left alone: no
    report is thrown away that was not taken.
    """

    command: str
    node: str
    report: Report


@dataclass(frozen=True, slots=True)
class Doubted:
    """The node signed a refusal of something that was never offered to it: somebody made that up."""

    command: str
    node: str


Effect = Record | Send | Keep | Moved | Ended | Recall | Doubted


@dataclass(frozen=True, slots=True)
class Command:
    """One command for one node, signed. `body` is that of its OFFER, `digest` that of its work, hex.

    The window is in wall seconds, grace and timeout in seconds.
    """

    id: str
    node: str
    body: bytes
    signature: str
    digest: str
    not_before: float
    not_after: float
    grace: float
    timeout: float | None = None

    def is_named(self, offer: str) -> bool:
        """Whether a node that names an offer so means this one: by its work, or by the bytes that came."""
        return offer in (self.digest, seal_of(self.body, self.signature))


@dataclass(frozen=True, slots=True)
class Row:
    """A command as the run log and the output store have it after a restart.

    `state` is pending, sent, running or unknown; `accepted_at` the wall time of `accepted`, 0 without one.
    """

    command: Command
    state: State
    accepted_at: float = 0.0
    is_cancelling: bool = False
    stdout: Kept = field(default_factory=Kept)
    stderr: Kept = field(default_factory=Kept)
