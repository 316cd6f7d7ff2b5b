"""What controller and node say to each other about a command: the headers of frames 20 to 31.

Both ends read what comes from the other through these, so that a header of the wrong shape is one
ValueError at the border. Not the frames themselves (wire/frames), and not who may send which.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from devopsclaw.model.state import State
from devopsclaw.model.value import Value

CommandId = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
FARTHEST = 2**53
"""Bytes of a stream at most: far beyond any disk, and well inside what JSON and SQLite hold exactly."""
Offset = Annotated[int, Field(ge=0, le=FARTHEST, strict=True)]
WallTime = Annotated[float, Field(ge=0, le=253_402_300_799, allow_inf_nan=False)]
"""Seconds since 1970, up to the year 9999: what a calendar can show, whoever sent it."""
Stream = Literal["stdout", "stderr"]
Gap = tuple[Stream, Offset, Offset]
"""Stream, offset of the first missing byte, offset after the last one."""

EMPTY_SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
CREDIT_WINDOW = 256 * 1024
"""Bytes of one stream that may be under way: an OFFER grants them from 0 and a RECONCILE from its
offsets, so that no command ever waits for a CREDIT that was lost. Source: security.md §2.7."""
RECONCILE_COMMANDS = 200
"""Commands in one RECONCILE: each takes about 110 of the header's 32 KiB."""


class Standing(StrEnum):
    """Where a command stands on its node, as a STANDING frame says it."""

    UNSEEN = "unseen"
    ACCEPTED = "accepted"
    STARTING = "starting"
    RUNNING = "running"
    FINISHED = "finished"
    FORGOTTEN = "forgotten"
    """Finished, acknowledged by the controller, and its output deleted."""


class Header(Value):
    """Unknown fields are let pass, so that a newer peer may say more."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    node: str = Field(description="The uid of the node that is spoken to, or speaks.")


class AboutCommand(Header):
    """DONE_ACK, and what every other frame about one command has."""

    command: CommandId = Field(description="The command's id.")


class SignedHeader(AboutCommand):
    """OFFER and CANCEL: what was signed is in the body."""

    signature: str = Field(description="The controller's signature over the envelope or the cancel, hex.")


class CreditHeader(AboutCommand):
    """CREDIT: offsets up to which the node may send; they only ever grow."""

    stdout: Offset
    stderr: Offset


class Position(Value):
    """How much of a command's output the controller holds."""

    command: CommandId
    stdout: Offset
    stderr: Offset


class ReconcileHeader(Header):
    """RECONCILE: the controller asks where these commands stand, and where to go on."""

    serial: int = Field(description="Guessed by nobody; the answer repeats it.")
    commands: list[Position]


class FromNode(Header):
    """What every frame of a node carries: its session, and its place in it."""

    epoch: int = Field(description="The session's number, given by the relay; grows.")
    seq: int = Field(description="1, 2, 3 … within the epoch.")


class AboutCommandFromNode(FromNode):
    """ACCEPT and STARTED."""

    command: CommandId


class RejectHeader(AboutCommandFromNode):
    """REJECT: the offer was refused, nothing was started by it. Signed by the node."""

    code: str
    message: str
    offer: str = Field(default="", description="Which offer: the digest of its work, or its seal.")
    at: WallTime = Field(default=0.0, description="The node's own wall time.")


class OutputHeader(AboutCommandFromNode):
    """OUTPUT: the body stands at this offset of the stream."""

    stream: Stream
    offset: Offset


class GapHeader(AboutCommandFromNode):
    """GAP: the node did not keep these bytes. From 0 on: it takes back what it sent of them."""

    stream: Stream
    start: Offset
    end: Offset


class CommandStanding(Value):
    """One command's place on the node."""

    command: CommandId
    state: Standing


class StandingHeader(FromNode):
    """STANDING: the answer to a RECONCILE. Signed by the node."""

    serial: int
    incarnation: float = Field(description="Wall time since which the node's journal is whole.")
    commands: list[CommandStanding]


class Report(Value):
    """How a command ended, in the journal, in DONE and in the run log."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    status: Literal[
        State.OK,
        State.FAILED,
        State.TIMED_OUT,
        State.KILLED,
        State.CANCELLED,
        State.DENIED,
        State.EXPIRED,
        State.UNKNOWN,
    ]
    reason: str = ""
    exit_code: int | None = None
    signal: int | None = None
    stdout_length: Offset = 0
    stderr_length: Offset = 0
    stdout_sha256: str = EMPTY_SHA256
    stderr_sha256: str = EMPTY_SHA256
    gaps: tuple[Gap, ...] = ()
    left: tuple[str, ...] = ()
    survivors: tuple[str, ...] = ()
    started_at: WallTime = 0.0
    duration: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    signature: str = ""

    def as_fields(self) -> dict[str, Any]:
        """JSON values for a header or a row; the signature only where there is one."""
        fields = self.model_dump(mode="json")
        if not self.signature:
            del fields["signature"]
        return fields


class DoneHeader(AboutCommandFromNode, Report):
    """DONE: the report, with whose it is. Signed by the node."""

    incarnation: float = Field(default=0.0, description="As in STANDING.")

    def report(self) -> Report:
        """The report alone."""
        return Report.model_validate(self.model_dump(include=set(Report.model_fields)))
