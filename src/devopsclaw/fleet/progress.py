"""What a node's word about one command means: the steps from its offer to its end. Not sessions."""

from __future__ import annotations

from typing import Any

from devopsclaw.fleet.book import Book
from devopsclaw.fleet.effects import Effect, Ended, Keep, Moved, Record
from devopsclaw.fleet.entry import Entry
from devopsclaw.fleet.orders import Orders
from devopsclaw.fleet.stream import Kept
from devopsclaw.model.headers import (
    CommandStanding,
    DoneHeader,
    GapHeader,
    OutputHeader,
    RejectHeader,
    Report,
    Standing,
)
from devopsclaw.model.moment import Moment
from devopsclaw.model.state import State

OVERDUE_AFTER = 60.0
"""Seconds after the last moment at which the node should have spoken. Source: security.md §2.14, I10."""
REFUSALS = {
    "expired": State.EXPIRED,
    "forgotten": State.UNKNOWN,
    "incarnation": State.UNKNOWN,
}
"""Codes of REJECT that are not plain denials. With a lost journal, or one that has acknowledged what our
log does not have, nobody can say any more whether the command ran."""
NEVER_STARTED = frozenset({State.CANCELLED, State.DENIED, State.EXPIRED})
"""What a node can say without having started anything; after the loss of its journal it cannot know that."""
NEVER_ARRIVED = "it did not reach the node in time"
STILL_THERE = "the link was lost; the node is back and has not finished it"
AHEAD = "the node's clock is {minutes} minutes off, ahead of this one: set it, as by NTP"
LOST_JOURNAL = "the node lost its journal"
FORGOTTEN = "the node has no result any more: it was acknowledged before"
DAMAGED = "output damaged: what arrived is not what the node sent; the node reports {status}"


class Progress:
    """Moves entries on. Whatever is returned is to be done in order."""

    def __init__(self, book: Book, orders: Orders) -> None:
        self._book = book
        self._orders = orders

    def send(self, entry: Entry, now: Moment) -> list[Effect]:
        """Put a pending command on its way; on record first."""
        entry.state = State.SENT
        self.expect_answer(entry, 0.0, now)
        return [
            Record(entry.id, "sent"),
            Moved(entry.id, State.SENT),
            self._orders.offer(entry.command),
        ]

    def accept(self, entry: Entry, now: Moment) -> list[Effect]:
        """The node has it: said by ACCEPT, or implied by anything later that came first."""
        if entry.is_accepted:
            return []
        entry.is_accepted = True
        effects: list[Effect] = [Record(entry.id, "accepted", {"at": now.wall})]
        if entry.state is State.SENT:
            entry.state = State.RUNNING
            effects.append(Moved(entry.id, State.RUNNING))
        self.expect_answer(entry, now.wall, now)
        return effects

    def expect_answer(self, entry: Entry, accepted_at: float, now: Moment, *, at_least: float = 0.0) -> None:
        """From when on its silence means that its end is unknown; never, if it may run for ever.

        `accepted_at`: wall time at which the node was known to have it, 0 if it is not. `at_least`: seconds
        the node has to speak, however late it is.
        """
        command = entry.command
        latest: float | None = command.not_after
        if accepted_at:
            started = min(accepted_at, command.not_after)  # the word of it may have been long on its way
            latest = started + command.timeout + command.grace if command.timeout is not None else None
        entry.overdue = 0.0
        if latest is not None:
            entry.overdue = now.steady + max(at_least, latest + OVERDUE_AFTER - now.wall)
            self._book.timers.set(entry.overdue, "overdue", entry.id)

    def refuse(self, entry: Entry, header: RejectHeader, now: Moment) -> list[Effect]:
        """The node did not take it. One that was accepted before is not undone by a late refusal."""
        if entry.is_accepted:
            return []
        reason = header.message
        if header.code == "expired" and now.wall <= entry.command.not_after < header.at:
            reason = AHEAD.format(minutes=round((header.at - now.wall) / 60))
        return self.end(entry, REFUSALS.get(header.code, State.DENIED), reason)

    def keep(self, entry: Entry, header: OutputHeader, data: bytes, now: Moment) -> list[Effect]:
        """Output arrived. Raises Hole."""
        kept = entry.kept(header.stream)
        new = kept.take(header.offset, data)
        effects = self.accept(entry, now)
        if not new:
            return effects
        kept_now = Keep(entry.id, header.stream, kept.offset - len(new), new)
        return [*effects, kept_now, *self._go_on(entry, kept)]

    def skip(self, entry: Entry, header: GapHeader, now: Moment) -> list[Effect]:
        """The node did not keep these bytes. Raises Hole."""
        kept = entry.kept(header.stream)
        new = kept.skip(header.start, header.end)
        effects = self.accept(entry, now)
        if new is None:
            return effects
        fields = {"stream": header.stream, "start": new[0], "end": new[1]}
        return [*effects, Record(entry.id, "gap", fields), *self._go_on(entry, kept)]

    def report(self, entry: Entry, header: DoneHeader) -> list[Effect]:
        """It ended on the node; here it ends when all its output is here."""
        entry.report = header.report()
        entry.incarnation = header.incarnation
        return self._try_end(entry)

    def stand(self, entry: Entry, standing: CommandStanding, incarnation: float, now: Moment) -> list[Effect]:
        """The node says where it stands."""
        if standing.state is Standing.UNSEEN:
            return self._never_seen(entry, incarnation, now)
        if standing.state is Standing.FORGOTTEN:
            return self.end(entry, State.UNKNOWN, FORGOTTEN)
        effects = self.accept(entry, now) if standing.state is not Standing.FINISHED else []
        if entry.state is State.UNKNOWN and standing.state is not Standing.FINISHED:
            effects += self._explain(entry, STILL_THERE)
        return effects

    def lose(self, entry: Entry, reason: str) -> list[Effect]:
        """Nobody answers for it. What was never sent did not run; of what was sent, nobody knows."""
        if entry.state is State.PENDING:
            return self.end(entry, State.UNREACHABLE, reason)
        if entry.state is State.UNKNOWN:
            return self._explain(entry, reason)
        entry.state = State.UNKNOWN
        recorded: list[Effect] = [Record(entry.id, "unknown", {"reason": reason})]
        return recorded + self._explain(entry, reason)

    def end(self, entry: Entry, state: State, reason: str, report: Report | None = None) -> list[Effect]:
        """Its end, for good."""
        self._book.drop(entry)
        return [
            Record(entry.id, "ended", _fields(state, reason, report)),
            Ended(entry.id, state, reason, report),
        ]

    def _explain(self, entry: Entry, reason: str) -> list[Effect]:
        """Why it is unknown, as far as that is known now; said once."""
        if entry.reason == reason:
            return []
        entry.reason = reason
        return [Moved(entry.id, State.UNKNOWN, reason)]

    def _never_seen(self, entry: Entry, incarnation: float, now: Moment) -> list[Effect]:
        """The offer was lost: send the very same again, if it is in time and nobody called it unknown.

        Else it is withdrawn: a cancel leaves a tombstone, so that a copy still under way never starts,
        and only then it has ended.
        """
        command = entry.command
        if entry.is_accepted or command.not_before < incarnation:
            return self.end(entry, State.UNKNOWN, LOST_JOURNAL)
        if entry.state is State.SENT and not entry.is_cancelling and now.wall <= command.not_after:
            return [self._orders.offer(command)]
        return [self._orders.cancel(command)]

    def _go_on(self, entry: Entry, kept: Kept) -> list[Effect]:
        """More is here: it may have been the last that was missing, else the node may need credit."""
        ended = self._try_end(entry)
        return ended or ([self._orders.credit(entry)] if kept.grant() else [])

    def _try_end(self, entry: Entry) -> list[Effect]:
        report = entry.report
        if report is None or not entry.holds_all(report):
            return []
        state, reason = _verdict(entry, report)
        if state is not State.UNKNOWN and not entry.holds_the_same(report):
            return self._damage(entry, report)
        ended = self.end(entry, state, reason, report)
        return [*ended, self._orders.acknowledge(entry.id, entry.command.node)]

    def _damage(self, entry: Entry, report: Report) -> list[Effect]:
        """Not acknowledged, so the node keeps the true output as long as it can; and not asked for again:
        a session loses nothing, so asking a liar or a broken disk again would not end."""
        self._book.drop(entry)
        reason = DAMAGED.format(status=report.status)
        return [
            Record(entry.id, "damaged", _fields(State.UNKNOWN, reason, report)),
            Ended(entry.id, State.UNKNOWN, reason, report),
        ]


def _verdict(entry: Entry, report: Report) -> tuple[State, str]:
    """What the node's report means here. An interrupted command stays unknown whatever output is here:
    what its node lost with its power may have been kept."""
    if report.status in NEVER_STARTED and entry.command.not_before < entry.incarnation:
        return State.UNKNOWN, LOST_JOURNAL
    if report.status is State.CANCELLED and not entry.is_cancelling:
        return State.EXPIRED, NEVER_ARRIVED
    return State(report.status), report.reason


def _fields(state: State, reason: str, report: Report | None) -> dict[str, Any]:
    reported = {"report": report.as_fields()} if report else {}
    return {"status": state.value, "reason": reason, **reported}
