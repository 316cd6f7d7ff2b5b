"""The node's side of at-most-once, as a pure machine: what to journal, to start, to send, and in which order.

It does no I/O and reads no clock. What it returns is done by its driver, strictly in order, so the order
of effects written here is the proof: no ACCEPT before `accepted` is durable, no process before `starting`
is durable, no DONE before `finished` is durable, nothing deleted before `acked` is durable.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Literal

from pydantic import ValidationError

from devopsclaw.daemon.admission import Admission
from devopsclaw.daemon.command import (
    Command,
    Settled,
    command_of,
    journal_fields,
    offer_of,
    report_of,
    settled_of,
)
from devopsclaw.daemon.effects import (
    Effect,
    Forget,
    JournalState,
    Outcome,
    Purge,
    Read,
    Record,
    Rejected,
    Row,
    Start,
    Stop,
    Watch,
)
from devopsclaw.daemon.ledger import Ledger
from devopsclaw.daemon.voice import Voice
from devopsclaw.model.headers import (
    AboutCommand,
    CreditHeader,
    Position,
    ReconcileHeader,
    Report,
    SignedHeader,
    Standing,
    Stream,
)
from devopsclaw.model.moment import Moment
from devopsclaw.model.state import State
from devopsclaw.wire.frames import Frame, FrameType
from devopsclaw.wire.offer import Offer, Sealed, seal_of

MAX_IN_FLIGHT = 64
"""Commands of one node that may be alive at once. Source: security.md §2.3."""
TOO_MANY = Report(
    status=State.DENIED, reason=f"{MAX_IN_FLIGHT} commands are in flight on the node, its limit"
)
TOO_LATE = Report(status=State.EXPIRED, reason="the daemon was down until it was too late to start")
CANCELLED = Report(status=State.CANCELLED, reason="cancelled before it started")

Taker = Callable[[Frame, Moment], list[Effect]]


class NodeMachine:
    """All commands of one node. `boot` names this boot of the machine; `admission` judges what is signed."""

    def __init__(self, admission: Admission, boot: str) -> None:
        self._admission = admission
        self._boot = boot
        self._voice = Voice(admission.uid, admission.incarnation)
        self._ledger = Ledger()
        self._takers: Mapping[FrameType, Taker] = {
            FrameType.OFFER: self._take_offer,
            FrameType.CANCEL: self._take_cancel,
            FrameType.CREDIT: self._take_credit,
            FrameType.RECONCILE: self._take_reconcile,
            FrameType.DONE_ACK: self._take_done_ack,
        }
        self.dropped = 0
        """Frames that were not for this node or not of their shape, and cancels that were not signed."""

    def restore(self, rows: Iterable[Row], now: Moment) -> list[Effect]:
        """Go on after a restart, before anything else is called. Raises Damaged at a senseless row."""
        effects: list[Effect] = []
        for row in rows:
            effects += self._restore_row(row, now)
        return effects

    def on_link(self, epoch: int, now: Moment) -> list[Effect]:
        """A session with this epoch is open. Nothing is said until the controller asks."""
        self._voice.open(epoch)
        return []

    def on_unlink(self, now: Moment) -> list[Effect]:
        """The session is over; commands go on."""
        self._voice.close()
        return []

    def on_frame(self, frame: Frame, now: Moment) -> list[Effect]:
        """A frame came from the controller; one that makes no sense is counted and dropped."""
        taker = self._takers.get(frame.type)
        try:
            if taker and self._voice.epoch and frame.header.get("node") == self._admission.uid:
                return taker(frame, now)
        except (ValidationError, Rejected):
            pass  # counted below: there is nobody to whom an answer would mean anything
        self.dropped += 1
        return []

    def on_started(self, command_id: str, pid: int, start_time: float, now: Moment) -> list[Effect]:
        """The command runs as this process; also the answer to a Watch that found it alive."""
        command = self._ledger.find_live(command_id)
        if command is None or command.is_seen:
            return []
        command.is_seen = True
        self._ledger.set_deadline(command, now.steady)
        stopping = self._stop_now(command)
        if command.phase is Standing.RUNNING:
            return stopping
        command.phase = Standing.RUNNING
        fields = {"pid": pid, "start_time": start_time, "boot": self._boot}
        recorded: list[Effect] = [Record(command_id, "running", fields)]
        if self._may_speak(command):
            recorded.append(self._voice.started(command_id, pid, now.wall))
        return recorded + stopping

    def on_printed(self, command_id: str, stream: Stream, length: int, now: Moment) -> list[Effect]:
        """Bytes up to `length` are in the spill file or known gaps, and none of them will be dropped."""
        command = self._ledger.find_live(command_id)
        if command is None:
            return []
        command.cursor(stream).grow(length)
        return self._pump(command)

    def on_chunk(
        self, command_id: str, stream: Stream, offset: int, data: bytes, now: Moment
    ) -> list[Effect]:
        """The answer to a Read; nothing is sent of it where the session or the cursor moved meanwhile."""
        command = self._ledger.find(command_id)
        if command is None:
            return []
        cursor = command.cursor(stream)
        cursor.is_reading = False
        if offset != cursor.sent or not self._may_speak(command):
            return self._pump(command)
        if not data:
            cursor.lose_rest()
            return self._pump(command)
        cursor.sent += len(data)
        return [self._voice.output(command_id, stream, offset, data), *self._pump(command)]

    def on_gap(self, command_id: str, stream: Stream, start: int, end: int) -> list[Effect]:
        """The node does not keep these bytes; told before `on_printed` reaches past `start`."""
        command = self._ledger.find_live(command_id)
        if command is None:
            return []
        command.cursor(stream).skip(start, end)
        return self._pump(command)

    def on_finished(self, command_id: str, outcome: Outcome, now: Moment) -> list[Effect]:
        """The command ended, or could not be started, or nobody knows what became of it."""
        command = self._ledger.find_live(command_id)
        if command is None:
            return []
        self._ledger.in_flight -= 1
        return self._finish(command, report_of(outcome, command.stop))

    def on_tick(self, now: Moment) -> list[Effect]:
        """Time has passed: timeouts are enforced, rows nobody can offer any more are purged."""
        effects: list[Effect] = []
        for command in self._ledger.take_overdue(now.steady):
            effects += self._stop(command, "timeout", command.grace)
        effects += [Purge(command_id) for command_id in self._ledger.take_purgeable(now.wall)]
        return effects

    @property
    def due(self) -> float | None:
        """Steady time at which `on_tick` has a timeout to enforce; none while no command has one."""
        return self._ledger.due

    # What the controller says

    def _take_offer(self, frame: Frame, now: Moment) -> list[Effect]:
        header = SignedHeader.model_validate(frame.header)
        named = seal_of(frame.body, header.signature)
        try:
            offer = self._admission.offer(header, frame.body)
            named = offer.digest
            # What is known is answered with what is on record, however late it is offered again.
            if self._admission.is_repeated(self._ledger.known(header.command), offer.digest):
                return self._repeat(offer, now)
            self._admission.check_new(offer, now)
        except Rejected as refusal:
            return [self._voice.reject(header.command, refusal, named, now.wall)]
        if self._ledger.in_flight >= MAX_IN_FLIGHT:
            return self._entomb(header.command, TOO_MANY, now)
        fields = journal_fields(Sealed.unpack(frame.body), header.signature, offer)
        command = command_of(Row(offer.work.command, "accepted", fields))
        command.epoch = self._voice.epoch
        accepted: list[Effect] = [Record(command.id, "accepted", fields), self._voice.accept(command.id)]
        return accepted + self._start(command, offer, now)

    def _repeat(self, offer: Offer, now: Moment) -> list[Effect]:
        """The same work again: say what is recorded, start nothing."""
        command = self._ledger.find(offer.work.command)
        if command is None:
            forgotten = Rejected("forgotten", "it ended and was acknowledged")
            return [self._voice.reject(offer.work.command, forgotten, offer.digest, now.wall)]
        if command.report is not None:
            return [self._voice.done(command.id, command.report)]
        return [self._voice.accept(command.id)]

    def _take_cancel(self, frame: Frame, now: Moment) -> list[Effect]:
        header = SignedHeader.model_validate(frame.header)
        cancel = self._admission.cancel(header, frame.body)
        command = self._ledger.find(header.command)
        if command is None:
            return [] if self._ledger.known(header.command) else self._entomb(header.command, CANCELLED, now)
        if command.report is not None:
            return [self._voice.done(command.id, command.report)]
        return self._stop(command, "cancel", cancel.grace)

    def _entomb(self, command_id: str, report: Report, now: Moment) -> list[Effect]:
        """It ends without a start, for good: a copy of the offer that comes later must not start it."""
        purge_at = self._admission.tombstone_until(now)
        command = Command(command_id, "", Standing.FINISHED, purge_at, epoch=self._voice.epoch)
        effects = self._finish(command, report)
        self._ledger.add(command)
        return effects

    def _take_credit(self, frame: Frame, now: Moment) -> list[Effect]:
        header = CreditHeader.model_validate(frame.header)
        command = self._ledger.find(header.command)
        if command is None:
            return []
        command.stdout.grant(header.stdout)
        command.stderr.grant(header.stderr)
        return self._pump(command)

    def _take_done_ack(self, frame: Frame, now: Moment) -> list[Effect]:
        header = AboutCommand.model_validate(frame.header)
        command = self._ledger.find(header.command)
        if command is None or command.report is None:
            return []
        self._ledger.settle(command.id, Settled(command.digest, command.purge_at))
        return [Record(command.id, "acked"), Forget(command.id)]

    def _take_reconcile(self, frame: Frame, now: Moment) -> list[Effect]:
        """Say where everything stands, then go on sending from the controller's offsets."""
        header = ReconcileHeader.model_validate(frame.header)
        standing = [(asked.command, self._ledger.standing(asked.command)) for asked in header.commands]
        effects: list[Effect] = [self._voice.standing(header.serial, standing)]
        for position in header.commands:
            effects += self._resume(position)
        asked = {position.command for position in header.commands}
        for command in self._ledger.finished():
            if command.report is not None and command.id not in asked:
                effects.append(self._voice.done(command.id, command.report))  # its DONE_ACK was lost
        return effects

    def _resume(self, position: Position) -> list[Effect]:
        command = self._ledger.find(position.command)
        if command is None:
            return []
        command.epoch = self._voice.epoch
        command.stdout.rewind(position.stdout)
        command.stderr.rewind(position.stderr)
        return [*self._pump(command), *self._say_done(command)]

    # What happens to a command

    def _start(self, command: Command, offer: Offer, now: Moment) -> list[Effect]:
        self._ledger.add(command)
        fields = {"at": now.wall, "steady": now.steady, "boot": self._boot}
        return [Record(command.id, "starting", fields), Start(command.id, offer)]

    def _finish(self, command: Command, report: Report) -> list[Effect]:
        command.finish(report)
        fields = {"digest": command.digest, "purge_at": command.purge_at, **report.as_fields()}
        recorded: list[Effect] = [Record(command.id, "finished", fields)]
        return recorded + self._pump(command) + self._say_done(command)

    def _stop(self, command: Command, why: Literal["timeout", "cancel"], grace: float) -> list[Effect]:
        """Stop it once. Why is journalled first: a process that dies of it while the daemon is down is
        then still reported as stopped, not as failed."""
        if command.stop or command.report is not None:
            return []
        command.stop, command.grace = why, grace
        state: JournalState = "running" if command.phase is Standing.RUNNING else "starting"
        recorded: list[Effect] = [Record(command.id, state, {"stop": why})]
        return recorded + self._stop_now(command)

    def _stop_now(self, command: Command) -> list[Effect]:
        """Only a process that the driver has in hand can be stopped; else `on_started` comes back here."""
        if not command.stop or not command.is_seen:
            return []
        return [Stop(command.id, command.stop, command.grace)]

    def _restore_row(self, row: Row, now: Moment) -> list[Effect]:
        if row.state == "acked":
            self._ledger.settle(row.command, settled_of(row))
            return []
        command = command_of(row)
        if row.state == "accepted":
            return self._start_late(command, row, now)
        self._ledger.add(command)
        return self._watch(command, row) if command.report is None else []

    def _start_late(self, command: Command, row: Row, now: Moment) -> list[Effect]:
        """It was accepted and never started: it may still start, if it is in time."""
        offer = offer_of(row)
        if now.wall <= offer.envelope.not_after:
            return self._start(command, offer, now)
        effects = self._finish(command, TOO_LATE)
        self._ledger.add(command)
        return effects

    def _watch(self, command: Command, row: Row) -> list[Effect]:
        """It was started before this daemon: never start it again."""
        if row.fields.get("boot") == self._boot:
            self._ledger.set_deadline(command, row.fields["steady"])
        return [Watch(command.id, row.fields)]

    # What is said

    def _pump(self, command: Command) -> list[Effect]:
        """Whatever of the output may go now: gaps told, and at most one read out for each stream."""
        if not self._may_speak(command):
            return []
        effects: list[Effect] = []
        for cursor in (command.stdout, command.stderr):
            effects += [
                self._voice.gap(command.id, cursor.stream, start, end) for start, end in cursor.pass_gaps()
            ]
            if size := cursor.readable():
                cursor.is_reading = True
                effects.append(Read(command.id, cursor.stream, cursor.sent, size))
        return effects

    def _say_done(self, command: Command) -> list[Effect]:
        if command.report is None or not self._may_speak(command):
            return []
        return [self._voice.done(command.id, command.report)]

    def _may_speak(self, command: Command) -> bool:
        """Only in a session in which the controller has asked about it, and so told its offsets."""
        return self._voice.epoch != 0 and command.epoch == self._voice.epoch
