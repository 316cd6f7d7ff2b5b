"""What the node remembers: who lives, who is late, and which ids nobody can offer any more."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.daemon.node_driver import FIRST, SECOND

from devopsclaw.daemon.command import Command, Settled
from devopsclaw.daemon.ledger import Ledger
from devopsclaw.model.headers import Report, Standing
from devopsclaw.model.state import State

ENDED = Report(status=State.OK, exit_code=0)


def live(command_id: str = FIRST, timeout: float | None = None) -> Command:
    """A command that runs."""
    return Command(command_id, "digest", Standing.RUNNING, 100.0, timeout=timeout)


def ended(command_id: str = FIRST) -> Command:
    """A command that has ended."""
    command = live(command_id)
    command.finish(ENDED)
    return command


def of(*commands: Command) -> Ledger:
    """A ledger that holds these."""
    ledger = Ledger()
    for command in commands:
        ledger.add(command)
    return ledger


# Who is there


def test_only_what_has_no_report_may_have_a_process() -> None:
    first, second = live(FIRST), ended(SECOND)
    ledger = of(first, second)

    assert (ledger.find_live(FIRST), ledger.find_live(SECOND)) == (first, None)
    assert (ledger.find(SECOND), list(ledger.finished())) == (second, [second])
    assert ledger.in_flight == 1, "an ended one of an earlier life is none of the commands in flight"


def test_an_acknowledged_command_is_known_by_its_id_alone() -> None:
    ledger = of(ended())
    settled = Settled("digest", 100.0)
    ledger.settle(FIRST, settled)

    assert (ledger.find(FIRST), ledger.known(FIRST)) == (None, settled)
    assert list(ledger.finished()) == []


def test_each_id_has_its_word() -> None:
    ledger = of(live(FIRST), ended(SECOND))
    ledger.settle("3" * 32, Settled("digest", 100.0))

    words = [ledger.standing(each) for each in (FIRST, SECOND, "3" * 32, "4" * 32)]
    assert words == [Standing.RUNNING, Standing.FINISHED, Standing.FORGOTTEN, Standing.UNSEEN]
    assert ledger.known("4" * 32) is None


# Who is late


def test_time_runs_from_the_start_and_not_from_the_last_restart() -> None:
    command = live(timeout=10.0)
    ledger = of(command)
    ledger.set_deadline(command, 50.0)
    ledger.set_deadline(command, 55.0)

    assert (ledger.due, command.deadline) == (60.0, 60.0)
    assert ledger.take_overdue(59.9) == []
    assert ledger.take_overdue(60.0) == [command]


def test_a_command_without_a_timeout_is_never_late() -> None:
    command = live()
    ledger = of(command)
    ledger.set_deadline(command, 50.0)

    assert (ledger.due, ledger.take_overdue(1e12)) == (None, [])


def test_a_late_command_is_named_once() -> None:
    command = live(timeout=10.0)
    ledger = of(command)
    ledger.set_deadline(command, 0.0)

    assert (ledger.take_overdue(11.0), ledger.take_overdue(12.0)) == ([command], [])


def test_what_ended_in_time_is_not_late() -> None:
    first, second, third = live(FIRST, 10.0), live(SECOND, 15.0), live("3" * 32, 20.0)
    ledger = of(first, second, third)
    for command in (first, second, third):
        ledger.set_deadline(command, 0.0)
    first.finish(ENDED)
    second.finish(ENDED)
    ledger.settle(SECOND, Settled("digest", 100.0))

    assert ledger.take_overdue(30.0) == [third]


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(1, 50), max_size=20), st.integers(0, 60))
def test_all_that_are_late_are_named_and_nobody_else(timeouts: list[int], now: int) -> None:
    commands = [live(f"{number:032x}", float(timeout)) for number, timeout in enumerate(timeouts)]
    ledger = of(*commands)
    for command in commands:
        ledger.set_deadline(command, 0.0)

    late = ledger.take_overdue(now)

    assert {each.id for each in late} == {
        each.id for each, timeout in zip(commands, timeouts, strict=True) if timeout <= now
    }
    assert ledger.due == min((timeout for timeout in timeouts if timeout > now), default=None)


# Which ids nobody can offer any more


def test_an_id_is_remembered_until_its_time_and_then_not_at_all() -> None:
    ledger = Ledger()
    ledger.settle(FIRST, Settled("digest", 100.0))
    ledger.settle(SECOND, Settled("digest", 50.0))

    assert ledger.take_purgeable(49.9) == []
    assert ledger.take_purgeable(100.0) == [SECOND, FIRST]
    assert (ledger.known(FIRST), ledger.standing(SECOND)) == (None, Standing.UNSEEN)
    assert ledger.take_purgeable(1e12) == []


def test_what_is_not_acknowledged_is_never_purged() -> None:
    ledger = of(ended())

    assert ledger.take_purgeable(1e12) == []
    assert ledger.find(FIRST) is not None
