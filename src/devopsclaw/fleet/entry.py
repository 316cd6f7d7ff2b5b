"""One command under way, as delivery holds it from its offer to its end."""

from __future__ import annotations

from dataclasses import dataclass, field

from devopsclaw.fleet.effects import Command
from devopsclaw.fleet.stream import Kept
from devopsclaw.model.headers import Report, Stream
from devopsclaw.model.state import State


@dataclass(slots=True)
class Entry:
    """`state` is pending, sent, running or unknown, and `reason` why it is unknown.

    `is_cancelling`: a person wants it stopped. `overdue`: steady time after which its end is unknown.
    `report`: the node's, while output is still on its way; `incarnation`: of the journal it comes from.
    """

    command: Command
    state: State
    is_accepted: bool = False
    is_cancelling: bool = False
    overdue: float = 0.0
    reason: str = ""
    report: Report | None = None
    incarnation: float = 0.0
    stdout: Kept = field(default_factory=Kept)
    stderr: Kept = field(default_factory=Kept)

    @property
    def id(self) -> str:
        """The command's id."""
        return self.command.id

    def kept(self, stream: Stream) -> Kept:
        """What is held of this stream."""
        return self.stdout if stream == "stdout" else self.stderr

    def holds_all(self, report: Report) -> bool:
        """Whether no byte is missing any more."""
        return self.stdout.offset >= report.stdout_length and self.stderr.offset >= report.stderr_length

    def holds_the_same(self, report: Report) -> bool:
        """Whether the bytes are those of the node."""
        held = [(kept.offset, kept.sha256) for kept in (self.stdout, self.stderr)]
        return held == [
            (report.stdout_length, report.stdout_sha256),
            (report.stderr_length, report.stderr_sha256),
        ]
