"""The controller's side of at-most-once, as a pure machine over many commands: offer, follow, settle.

It does no I/O and reads no clock. What it returns is done by its driver, strictly in order: nothing is
sent before it is on record, nothing acknowledged before result and output are durable. What cannot be
known is said to be unknown and never sent again; the node's later word turns it into the truth.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping

from pydantic import ValidationError

from devopsclaw.fleet.book import Book
from devopsclaw.fleet.effects import Command, Doubted, Effect, Recall, Record, Row
from devopsclaw.fleet.entry import Entry
from devopsclaw.fleet.orders import Orders, SignCancel
from devopsclaw.fleet.progress import NEVER_ARRIVED, OVERDUE_AFTER, Progress
from devopsclaw.fleet.session import NodeSession
from devopsclaw.fleet.stream import Hole
from devopsclaw.fleet.timers import Timer
from devopsclaw.model.headers import (
    AboutCommandFromNode,
    DoneHeader,
    FromNode,
    GapHeader,
    OutputHeader,
    RejectHeader,
    StandingHeader,
)
from devopsclaw.model.moment import Moment
from devopsclaw.model.state import State
from devopsclaw.wire.frames import Frame, FrameType

LOST_PATIENCE = 60.0
"""Seconds without a link after which what is under way is said to be unknown."""
ASK_AGAIN = 10.0
"""Seconds after which an unanswered RECONCILE is sent again."""
QUIET = 60.0
"""Seconds of silence after which a node with commands under way is asked where they stand. A session
loses nothing, so this only heals what a faulty relay lost."""
SERIAL_BITS = 62
"""Of a RECONCILE's serial, so that nobody can guess it."""
HEADERS: Mapping[FrameType, type[FromNode]] = {
    FrameType.ACCEPT: AboutCommandFromNode,
    FrameType.REJECT: RejectHeader,
    FrameType.STARTED: AboutCommandFromNode,
    FrameType.OUTPUT: OutputHeader,
    FrameType.GAP: GapHeader,
    FrameType.DONE: DoneHeader,
    FrameType.STANDING: StandingHeader,
}


class Delivery:
    """All commands under way to all nodes. The cost of a frame does not grow with their number."""

    def __init__(
        self,
        sign_cancel: SignCancel,
        *,
        lost_patience: float = LOST_PATIENCE,
        random_bits: Callable[[int], int] = secrets.randbits,
    ) -> None:
        self._orders = Orders(sign_cancel)
        self._book = Book()
        self._progress = Progress(self._book, self._orders)
        self._lost_patience = lost_patience
        self._random_bits = random_bits
        self.dropped = 0
        """Frames of another epoch, overtaken, repeated, or not of their shape."""

    def restore(self, rows: Iterable[Row], now: Moment) -> list[Effect]:
        """Go on with what an earlier life of the controller left open; presence does the rest."""
        sessions: dict[str, NodeSession] = {}
        for row in rows:
            entry = Entry(row.command, row.state, row.accepted_at > 0, row.is_cancelling)
            entry.stdout, entry.stderr = row.stdout, row.stderr
            sessions[row.command.node] = self._book.hold(entry)
            if row.state in (State.SENT, State.RUNNING):
                self._progress.expect_answer(entry, row.accepted_at, now, at_least=OVERDUE_AFTER)
        effects: list[Effect] = []
        for session in sessions.values():
            if session.is_connected:
                effects += self._reconcile(session, now) + self._send_pending(session, now)
            elif session.lost_due is None:
                self._lose_link(session, now)
        return effects

    def offer(self, command: Command, now: Moment) -> list[Effect]:
        """Send a command that is on record as pending; at once, or not at all."""
        if self._book.find(command.id) is not None:
            return []
        entry = Entry(command, State.PENDING)
        session = self._book.hold(entry)
        if not session.is_connected:
            return self._progress.end(entry, State.UNREACHABLE, "the node is offline; nothing was sent")
        self._watch(session, now.steady + QUIET)
        return self._progress.send(entry, now)

    def cancel(self, command_id: str, now: Moment) -> list[Effect]:
        """A person wants it stopped. What has not been sent ends here, the rest when the node says so."""
        entry = self._book.find(command_id)
        if entry is None or entry.is_cancelling:
            return []
        if entry.state is State.PENDING:
            return self._progress.end(entry, State.CANCELLED, "cancelled before it was sent")
        entry.is_cancelling = True
        recorded: list[Effect] = [Record(command_id, "cancelling")]
        session = self._book.session(entry.command.node)
        return [*recorded, self._orders.cancel(entry.command)] if session.is_connected else recorded

    def on_presence(self, uid: str, connected: bool, epoch: int, now: Moment) -> list[Effect]:
        """The relay says whether the node is there. While the relay itself is out of reach the driver says
        `connected=False` for all. A presence of an older epoch is late news, and dropped."""
        session = self._book.session(uid)
        if epoch < session.epoch:
            self.dropped += 1
            return []
        if not connected:
            if session.is_connected:
                self._lose_link(session, now)
            return []
        if session.is_connected and session.epoch == epoch:
            return []
        session.enter(epoch)
        return self._reconcile(session, now) + self._send_pending(session, now)

    def on_frame(self, frame: Frame, now: Moment) -> list[Effect]:
        """A frame came from a node; one that makes no sense is counted and dropped."""
        reader = HEADERS.get(frame.type)
        try:
            header = reader.model_validate(frame.header) if reader else None
        except ValidationError:
            header = None
        session = self._book.find_session(header.node) if header else None
        if header is None or session is None or not session.takes(header.epoch, header.seq):
            self.dropped += 1
            return []
        session.heard_at = now.steady
        effects = self._take(session, header, frame, now)
        if session.has_gap and not session.awaited:
            effects += self._reconcile(session, now)
        return effects

    def on_recalled(self, command_id: str, node: str, now: Moment) -> list[Effect]:
        """The answer to Recall: the run log has this command as ended on this node."""
        return [self._orders.acknowledge(command_id, node)]

    def on_tick(self, now: Moment) -> list[Effect]:
        """Time has passed."""
        effects: list[Effect] = []
        for timer in self._book.timers.take_due(now.steady):
            effects += self._wake(timer, now)
        return effects

    @property
    def due(self) -> float | None:
        """Steady time at which `on_tick` has something to look at."""
        return self._book.timers.due

    # What a node says

    def _take(self, session: NodeSession, header: FromNode, frame: Frame, now: Moment) -> list[Effect]:
        if isinstance(header, StandingHeader):
            return self._take_standing(session, header, now)
        if not isinstance(header, AboutCommandFromNode):
            return []
        entry = session.entries.get(header.command)
        if entry is None:
            return _recall(session, header)
        try:
            return self._take_word(entry, header, frame.body, now)
        except Hole:
            session.has_gap = True
            return []

    def _take_word(
        self, entry: Entry, header: AboutCommandFromNode, body: bytes, now: Moment
    ) -> list[Effect]:
        match header:
            case OutputHeader():
                return self._progress.keep(entry, header, body, now)
            case GapHeader():
                return self._progress.skip(entry, header, now)
            case DoneHeader():
                return self._progress.report(entry, header)
            case RejectHeader():
                return self._take_refusal(entry, header, now)
            case _:
                return self._progress.accept(entry, now)

    def _take_refusal(self, entry: Entry, header: RejectHeader, now: Moment) -> list[Effect]:
        """Of what we offered; a node refuses whatever else it is shown in our name as well."""
        if not entry.command.is_named(header.offer):
            self.dropped += 1
            return [Doubted(entry.id, entry.command.node)]
        return self._progress.refuse(entry, header, now)

    def _take_standing(self, session: NodeSession, header: StandingHeader, now: Moment) -> list[Effect]:
        if header.serial != session.serial or not session.awaited:
            return []
        session.awaited -= 1
        effects: list[Effect] = []
        for standing in header.commands:
            entry = session.entries.get(standing.command)
            if entry is not None:
                effects += self._progress.stand(entry, standing, header.incarnation, now)
        return effects

    # Links and time

    def _reconcile(self, session: NodeSession, now: Moment) -> list[Effect]:
        """Ask where everything stands. Nobody can guess the serial, so no answer was signed before it was
        asked for."""
        session.serial = self._random_bits(SERIAL_BITS)
        session.has_gap = False
        effects: list[Effect] = list(self._orders.reconcile(session))
        session.awaited = len(effects)
        self._watch(session, now.steady + ASK_AGAIN)
        for entry in session.entries.values():
            entry.stdout.grant_all()
            entry.stderr.grant_all()
            if entry.is_cancelling:
                effects.append(self._orders.cancel(entry.command))
        return effects

    def _send_pending(self, session: NodeSession, now: Moment) -> list[Effect]:
        """What was on record and not sent when the controller died is sent now, if it is in time."""
        effects: list[Effect] = []
        for entry in list(session.entries.values()):
            if entry.state is State.PENDING and now.wall <= entry.command.not_after:
                effects += self._progress.send(entry, now)
            elif entry.state is State.PENDING:
                effects += self._progress.end(entry, State.EXPIRED, NEVER_ARRIVED)
        return effects

    def _lose_link(self, session: NodeSession, now: Moment) -> None:
        session.is_connected = False
        session.awaited = 0
        session.lost_due = now.steady + self._lost_patience
        self._book.timers.set(session.lost_due, "lost", session.uid)

    def _watch(self, session: NodeSession, due: float) -> None:
        """See whether the node has spoken by then. The earliest wish counts: one timer for each node."""
        if session.ask_due is None or due < session.ask_due:
            session.ask_due = due
            self._book.timers.set(due, "ask", session.uid)

    def _wake(self, timer: Timer, now: Moment) -> list[Effect]:
        if timer.kind == "overdue":
            return self._wake_overdue(timer)
        session = self._book.session(timer.key)
        if timer.kind == "lost":
            return self._wake_lost(session, timer.due)
        return self._wake_quiet(session, timer.due, now)

    def _wake_overdue(self, timer: Timer) -> list[Effect]:
        entry = self._book.find(timer.key)
        if entry is None or entry.overdue != timer.due:
            return []
        return self._progress.lose(entry, "the node did not report in time")

    def _wake_lost(self, session: NodeSession, due: float) -> list[Effect]:
        if session.lost_due != due:
            return []
        session.lost_due = None
        effects: list[Effect] = []
        for entry in list(session.entries.values()):
            effects += self._progress.lose(entry, "link lost")
        return effects

    def _wake_quiet(self, session: NodeSession, due: float, now: Moment) -> list[Effect]:
        if session.ask_due != due:
            return []
        session.ask_due = None
        if not session.is_connected or not (session.entries or session.awaited):
            return []
        if session.awaited or session.heard_at + QUIET <= now.steady:
            return self._reconcile(session, now)
        self._watch(session, session.heard_at + QUIET)
        return []


def _recall(session: NodeSession, header: AboutCommandFromNode) -> list[Effect]:
    """The end of something that is not held here; any other word about such a thing means nothing."""
    if not isinstance(header, DoneHeader):
        return []
    return [Recall(header.command, session.uid, header.report())]
