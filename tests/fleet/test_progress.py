"""What one word of a node means for its command: each step alone, without sessions and links."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from tests.fleet.delivery_driver import FIRST, NODE, NOW, at, command, frames, sign_cancel, story

from devopsclaw.fleet.book import Book
from devopsclaw.fleet.effects import Effect, Ended, Moved, Record
from devopsclaw.fleet.entry import Entry
from devopsclaw.fleet.orders import Orders
from devopsclaw.fleet.progress import (
    DAMAGED,
    FORGOTTEN,
    LOST_JOURNAL,
    NEVER_ARRIVED,
    OVERDUE_AFTER,
    STILL_THERE,
    Progress,
)
from devopsclaw.fleet.stream import Hole
from devopsclaw.model.headers import (
    CREDIT_WINDOW,
    CommandStanding,
    DoneHeader,
    GapHeader,
    OutputHeader,
    RejectHeader,
    Standing,
)
from devopsclaw.model.state import State

NUMBERS: dict[str, Any] = {"node": NODE, "command": FIRST, "epoch": 1, "seq": 1}


class Desk:
    """One command that is held, in this state, and who moves it on."""

    def __init__(self, state: State = State.SENT, *, is_accepted: bool = False, **changes: Any) -> None:
        self.book = Book()
        self.entry = Entry(command(**changes), state, is_accepted)
        self.book.hold(self.entry)
        self.progress = Progress(self.book, Orders(sign_cancel))

    def done(self, stdout: bytes = b"", *, incarnation: float = 0.0, **fields: Any) -> list[Effect]:
        """Its node reports its end."""
        report = {
            "status": "ok",
            "exit_code": 0,
            "stdout_length": len(stdout),
            "stdout_sha256": hashlib.sha256(stdout).hexdigest(),
        }
        header = DoneHeader(**{**NUMBERS, **report, **fields, "incarnation": incarnation})
        return self.progress.report(self.entry, header)

    def stands(self, standing: Standing, *, incarnation: float = 0.0, seconds: float = 0.0) -> list[Effect]:
        """Its node says where it stands."""
        told = CommandStanding(command=FIRST, state=standing)
        return self.progress.stand(self.entry, told, incarnation, at(seconds))

    def prints(self, offset: int, data: bytes) -> list[Effect]:
        """Its node printed."""
        header = OutputHeader(**NUMBERS, stream="stdout", offset=offset)
        return self.progress.keep(self.entry, header, data, NOW)

    @property
    def is_held(self) -> bool:
        """Whether more may be heard of it."""
        return self.book.find(FIRST) is not None


def running(**changes: Any) -> Desk:
    """A command that its node has taken."""
    return Desk(State.RUNNING, is_accepted=True, **changes)


# The way there


def test_sending_is_on_record_before_anything_is_said() -> None:
    desk = Desk(State.PENDING)

    assert story(desk.progress.send(desk.entry, NOW)) == ["record sent", "moved sent", "OFFER"]
    assert desk.entry.state is State.SENT


def test_a_command_is_accepted_once() -> None:
    desk = Desk()

    effects = desk.progress.accept(desk.entry, at(3))
    assert effects == [Record(FIRST, "accepted", {"at": NOW.wall + 3}), Moved(FIRST, State.RUNNING)]
    assert desk.progress.accept(desk.entry, at(4)) == []


def test_what_is_called_unknown_stays_so_until_its_end_is_known() -> None:
    desk = Desk(State.UNKNOWN)

    assert story(desk.progress.accept(desk.entry, NOW)) == ["record accepted"]
    assert desk.entry.state is State.UNKNOWN


@pytest.mark.parametrize(
    ("accepted_after", "timeout", "at_least", "due_after"),
    [
        (None, 10.0, 0.0, 60 + OVERDUE_AFTER),
        (0.0, 10.0, 0.0, 10 + 2 + OVERDUE_AFTER),
        (30.0, 10.0, 0.0, 30 + 10 + 2 + OVERDUE_AFTER),
        (500.0, 10.0, 0.0, 60 + 10 + 2 + OVERDUE_AFTER),
        (0.0, 10.0, 100.0, 100.0),
    ],
)
def test_silence_counts_from_the_last_moment_at_which_the_node_should_have_spoken(
    accepted_after: float | None, timeout: float, at_least: float, due_after: float
) -> None:
    desk = Desk(timeout=timeout)
    accepted_at = 0.0 if accepted_after is None else NOW.wall + accepted_after

    desk.progress.expect_answer(desk.entry, accepted_at, NOW, at_least=at_least)

    assert desk.entry.overdue == NOW.steady + due_after
    assert desk.book.timers.due == NOW.steady + due_after


def test_what_may_run_for_ever_is_never_overdue_once_it_was_accepted() -> None:
    desk = Desk(timeout=None)

    desk.progress.expect_answer(desk.entry, NOW.wall, NOW)

    assert (desk.entry.overdue, desk.book.timers.due) == (0.0, None)


@pytest.mark.parametrize(
    ("code", "state"),
    [
        ("expired", State.EXPIRED),
        ("forgotten", State.UNKNOWN),
        ("incarnation", State.UNKNOWN),
        ("policy", State.DENIED),
    ],
)
def test_a_refusal_ends_what_was_not_accepted(code: str, state: State) -> None:
    desk, header = Desk(), RejectHeader(**NUMBERS, code=code, message="no")

    effects = desk.progress.refuse(desk.entry, header, NOW)

    assert effects == [
        Record(FIRST, "ended", {"status": state.value, "reason": "no"}),
        Ended(FIRST, state, "no"),
    ]
    assert not desk.is_held


@pytest.mark.parametrize(
    ("at_node", "reason"), [(60.0, "no"), (61.0, "1 minutes off, ahead"), (1020.0, "17 minutes off, ahead")]
)
def test_a_command_that_is_in_time_here_and_late_there_met_a_wrong_clock(at_node: float, reason: str) -> None:
    desk = Desk()
    header = RejectHeader(**NUMBERS, code="expired", message="no", at=NOW.wall + at_node)

    ended = desk.progress.refuse(desk.entry, header, NOW)[1]

    assert isinstance(ended, Ended)
    assert reason in ended.reason


def test_a_late_refusal_does_not_undo_an_accepted_command() -> None:
    desk = running()

    header = RejectHeader(**NUMBERS, code="policy", message="no")

    assert desk.progress.refuse(desk.entry, header, NOW) == []
    assert desk.is_held


# Output


def test_only_new_bytes_are_kept_at_their_offset() -> None:
    desk = running()

    assert story(desk.prints(0, b"hello")) == ["keep stdout 0 hello"]
    assert story(desk.prints(3, b"lo you")) == ["keep stdout 5  you"]
    assert desk.prints(0, b"hello") == []


def test_bytes_behind_a_hole_are_not_kept_and_say_nothing_of_the_command() -> None:
    desk = Desk()

    with pytest.raises(Hole):
        desk.prints(5, b"late")
    with pytest.raises(Hole):
        gap = GapHeader(**NUMBERS, stream="stdout", start=5, end=9)
        desk.progress.skip(desk.entry, gap, NOW)
    assert not desk.entry.is_accepted


def test_only_the_new_part_of_a_gap_is_on_record() -> None:
    desk = running()
    desk.prints(0, b"head")

    def gap(start: int, end: int) -> list[Effect]:
        return desk.progress.skip(
            desk.entry, GapHeader(**NUMBERS, stream="stdout", start=start, end=end), NOW
        )

    assert gap(4, 50) == [Record(FIRST, "gap", {"stream": "stdout", "start": 4, "end": 50})]
    assert gap(4, 50) == []
    assert gap(4, 80) == [Record(FIRST, "gap", {"stream": "stdout", "start": 50, "end": 80})]


def test_the_window_is_opened_again_when_half_of_it_is_used() -> None:
    desk = running()
    half = CREDIT_WINDOW // 2

    assert not frames(desk.prints(0, b"x" * (half - 1)))
    (credit,) = frames(desk.prints(half - 1, b"x"))
    assert credit.header["stdout"] == half + CREDIT_WINDOW


# The end


def test_it_ends_when_report_and_output_are_here_in_either_order() -> None:
    early, late = running(), running()

    early.prints(0, b"up")
    at_once = early.done(b"up")
    waiting = late.done(b"up")
    with_the_rest = late.prints(0, b"up")

    assert story(at_once) == ["record ended", "ended ok", "DONE_ACK"]
    assert waiting == [] and story(with_the_rest) == ["keep stdout 0 up", *story(at_once)]
    assert not early.is_held and not late.is_held


def test_a_gap_can_be_the_last_that_was_missing() -> None:
    desk = running()
    desk.prints(0, b"up")
    desk.done(b"up", stdout_length=10)

    effects = desk.progress.skip(desk.entry, GapHeader(**NUMBERS, stream="stdout", start=2, end=10), NOW)

    assert story(effects) == ["record gap", "record ended", "ended ok", "DONE_ACK"]


def test_output_that_is_not_what_the_node_sent_is_never_acknowledged() -> None:
    desk = running()
    desk.prints(0, b"uq")

    effects = desk.done(b"up")

    assert story(effects) == ["record damaged", "ended unknown"]
    assert isinstance(effects[1], Ended) and effects[1].reason == DAMAGED.format(status="ok")
    assert not desk.is_held


def test_an_interrupted_command_stays_unknown_whatever_output_is_here() -> None:
    desk = running()
    desk.prints(0, b"uq")

    effects = desk.done(b"up", status="unknown", reason="interrupted", exit_code=None)

    assert story(effects) == ["record ended", "ended unknown", "DONE_ACK"]
    assert isinstance(effects[1], Ended) and effects[1].reason == "interrupted"


def test_a_cancel_that_nobody_asked_for_is_an_offer_that_came_too_late() -> None:
    asked, nobody = running(), running()
    asked.entry.is_cancelling = True

    assert _end(asked.done(status="cancelled", exit_code=None)) == (State.CANCELLED, "")
    assert _end(nobody.done(status="cancelled", exit_code=None)) == (State.EXPIRED, NEVER_ARRIVED)


@pytest.mark.parametrize("status", ["cancelled", "denied", "expired"])
def test_a_node_whose_journal_is_younger_than_the_offer_cannot_know_that_nothing_ran(status: str) -> None:
    young, old = running(), running()
    young.entry.is_cancelling = old.entry.is_cancelling = True

    assert _end(young.done(status=status, incarnation=NOW.wall + 1)) == (State.UNKNOWN, LOST_JOURNAL)
    assert _end(old.done(status=status, incarnation=NOW.wall)) == (State(status), "")


def test_a_young_journal_knows_what_it_ran_itself() -> None:
    assert _end(running().done(incarnation=NOW.wall + 1)) == (State.OK, "")


# Where it stands


@pytest.mark.parametrize("standing", [Standing.ACCEPTED, Standing.STARTING, Standing.RUNNING])
def test_what_stands_on_the_node_was_accepted(standing: Standing) -> None:
    assert story(Desk().stands(standing)) == ["record accepted", "moved running"]
    assert running().stands(standing) == []


def test_what_is_unknown_and_still_there_is_said_to_be_once() -> None:
    desk = Desk(State.UNKNOWN, is_accepted=True)

    assert desk.stands(Standing.RUNNING) == [Moved(FIRST, State.UNKNOWN, STILL_THERE)]
    assert desk.stands(Standing.RUNNING) == []


def test_of_a_finished_command_the_report_is_awaited() -> None:
    desk = Desk(State.UNKNOWN)

    assert desk.stands(Standing.FINISHED) == []
    assert desk.is_held and not desk.entry.is_accepted


def test_what_the_node_has_forgotten_is_unknown_for_good() -> None:
    assert _end(running().stands(Standing.FORGOTTEN)) == (State.UNKNOWN, FORGOTTEN)


def test_a_lost_offer_is_sent_again_as_it_was_while_it_is_in_time() -> None:
    desk = Desk()

    (again,) = frames(desk.stands(Standing.UNSEEN, seconds=59))

    assert (again.type.name, again.body, again.header["signature"]) == ("OFFER", b"{}", "00")


@pytest.mark.parametrize("why", ["late", "unknown", "cancelling"])
def test_a_lost_offer_that_must_not_start_any_more_is_withdrawn(why: str) -> None:
    desk = Desk(State.UNKNOWN if why == "unknown" else State.SENT)
    desk.entry.is_cancelling = why == "cancelling"

    effects = desk.stands(Standing.UNSEEN, seconds=61 if why == "late" else 1)

    assert story(effects) == ["CANCEL"]
    assert desk.is_held


def test_an_accepted_command_that_its_node_never_saw_was_in_a_lost_journal() -> None:
    assert _end(running().stands(Standing.UNSEEN)) == (State.UNKNOWN, LOST_JOURNAL)
    assert _end(Desk().stands(Standing.UNSEEN, incarnation=NOW.wall + 1)) == (State.UNKNOWN, LOST_JOURNAL)


# Nobody answers


def test_what_was_never_sent_is_unreachable_and_what_was_is_unknown() -> None:
    pending, sent = Desk(State.PENDING), Desk()

    assert _end(pending.progress.lose(pending.entry, "link lost")) == (State.UNREACHABLE, "link lost")
    assert story(sent.progress.lose(sent.entry, "link lost")) == ["record unknown", "moved unknown"]
    assert not pending.is_held and sent.is_held


def test_why_it_is_unknown_is_said_again_only_where_it_changes() -> None:
    desk = Desk()
    desk.progress.lose(desk.entry, "link lost")

    assert desk.progress.lose(desk.entry, "link lost") == []
    assert desk.progress.lose(desk.entry, "it did not report") == [
        Moved(FIRST, State.UNKNOWN, "it did not report")
    ]


def _end(effects: list[Effect]) -> tuple[State, str]:
    """The state and the reason of the end among the effects."""
    (found,) = [effect for effect in effects if isinstance(effect, Ended)]
    return found.state, found.reason
