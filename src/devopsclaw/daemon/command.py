"""One command on the node, as the machine holds it until it is acknowledged. Not its process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from devopsclaw.daemon.admission import KEPT_AFTER
from devopsclaw.daemon.effects import Outcome, Row
from devopsclaw.daemon.output import Cursor
from devopsclaw.model.errors import Damaged
from devopsclaw.model.headers import Report, Standing, Stream
from devopsclaw.model.state import State
from devopsclaw.wire.envelope import BadEnvelope, Envelope, Work, digest
from devopsclaw.wire.offer import Offer, Sealed

StopWord = Literal["", "timeout", "cancel"]
NAMES_REPORTED, NAME_LENGTH, REASON_LENGTH = 50, 40, 500
"""Names of left-overs and of survivors: all still fits a header of 32 KiB, at six bytes a character, as JSON
writes what controls a terminal.
"""
STOPPED: Mapping[str, State] = {"timeout": State.TIMED_OUT, "cancel": State.KILLED}


@dataclass(slots=True)
class Command:
    """`phase` is starting, running or finished: accepted is left in the same step as it is entered.

    `epoch` is the session in which the controller has asked about it; in another session nothing is
    sent of its own accord. `is_seen`: the driver has its process in hand. `deadline` is steady time. An empty
    `digest` marks a tombstone.
    """

    id: str
    digest: str
    phase: Standing
    purge_at: float
    grace: float = 0.0
    timeout: float | None = None
    epoch: int = 0
    is_seen: bool = False
    deadline: float | None = None
    stop: StopWord = ""
    report: Report | None = None
    stdout: Cursor = field(default_factory=lambda: Cursor("stdout"))
    stderr: Cursor = field(default_factory=lambda: Cursor("stderr"))

    @property
    def is_live(self) -> bool:
        """Whether its process may exist."""
        return self.report is None

    def cursor(self, stream: Stream) -> Cursor:
        """The cursor of this stream."""
        return self.stdout if stream == "stdout" else self.stderr

    def finish(self, report: Report) -> None:
        """From here on only sending is left to do."""
        self.report = report
        self.phase = Standing.FINISHED
        self.deadline = None
        for stream, start, end in report.gaps:
            self.cursor(stream).skip(start, end)
        self.stdout.length = report.stdout_length
        self.stderr.length = report.stderr_length


@dataclass(frozen=True, slots=True)
class Settled:
    """What is kept of an acknowledged command or a tombstone until it can no longer be offered."""

    digest: str
    purge_at: float


def journal_fields(sealed: Sealed, signature: str, offer: Offer) -> dict[str, Any]:
    """What the row of an accepted command holds: enough to start it, to know it again, and to prove by
    whose word it ran.
    """
    return {
        "envelope": sealed.envelope.decode(),
        "work": sealed.work.decode(),
        "path": sealed.path.hashes.hex(),
        "sides": sealed.path.sides,
        "signature": signature,
        "digest": offer.digest,
        "purge_at": offer.envelope.not_after + KEPT_AFTER,
    }


def offer_of(row: Row) -> Offer:
    """What a journalled command was offered as. Raises Damaged."""
    try:
        envelope, work = (str(row.fields[name]).encode() for name in ("envelope", "work"))
        return Offer(Envelope.parse(envelope), Work.parse(work), digest(work))
    except (KeyError, BadEnvelope) as wrong:
        raise _damaged(row) from wrong


def settled_of(row: Row) -> Settled:
    """What is remembered of an acknowledged command. Raises Damaged."""
    try:
        return Settled(row.fields["digest"], float(row.fields["purge_at"]))
    except (KeyError, TypeError, ValueError) as wrong:
        raise _damaged(row) from wrong


def command_of(row: Row) -> Command:
    """A journalled command as it goes on in this process. Raises Damaged."""
    settled = settled_of(row)
    phase = Standing.RUNNING if row.state == "running" else Standing.STARTING
    command = Command(row.command, settled.digest, phase, settled.purge_at)
    if row.state == "finished":
        try:
            report = {**row.fields, "signature": ""}  # the row's is the controller's, over the envelope
            command.finish(Report.model_validate(report))
        except ValueError as wrong:
            raise _damaged(row) from wrong
        return command
    params = offer_of(row).work.params
    command.grace, command.timeout = params.grace, params.timeout
    command.stop = row.fields.get("stop", "")
    return command


def _damaged(row: Row) -> Damaged:
    return Damaged(
        f"the journal's row of command {row.command} cannot be read",
        hint="set the journal aside and start again: what was issued before is then refused",
    )


def report_of(outcome: Outcome, stop: StopWord) -> Report:
    """The word for how it ended, with what the driver found."""
    fields: dict[str, Any] = {name: getattr(outcome, name) for name in Outcome.__slots__}
    fields["reason"] = outcome.reason[:REASON_LENGTH]
    fields["left"] = _bounded(outcome.left)
    fields["survivors"] = _bounded(outcome.survivors)
    if outcome.interrupted:
        fields["reason"] = "interrupted"
    return Report.model_validate({**fields, "status": _status(outcome, stop)})


def _status(outcome: Outcome, stop: StopWord) -> State:
    """Being stopped outweighs the exit code, but only what ran can have been stopped."""
    if outcome.interrupted:
        return State.UNKNOWN
    if outcome.expired:
        return State.EXPIRED
    if outcome.exit_code is None and outcome.signal is None:
        return State.FAILED
    return STOPPED.get(stop, State.OK if outcome.exit_code == 0 else State.FAILED)


def _bounded(names: tuple[str, ...]) -> tuple[str, ...]:
    """As many as a header holds, and how many more there are."""
    shown = tuple(name[:NAME_LENGTH] for name in names[:NAMES_REPORTED])
    return (*shown, f"and {len(names) - len(shown)} more") if len(names) > len(shown) else shown
