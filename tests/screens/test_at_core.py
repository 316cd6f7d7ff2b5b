"""A console whose core ends under it: what it says, what it asks of the next, and that it loses nothing."""

from __future__ import annotations

from functools import partial

import pytest
from tests.screens.conftest import type_text, until
from tests.screens.mortal_core import Succession, desk, run_of
from textual.pilot import Pilot
from textual.widgets import Static

from devopsclaw.model.errors import Busy
from devopsclaw.model.events import NodeMoved, NodePrinted, RelayMoved, RunPlanned
from devopsclaw.model.risk import Effect
from devopsclaw.model.state import State
from devopsclaw.screens.fleet import Fleet
from devopsclaw.screens.folds import Folds
from devopsclaw.screens.jobs import Jobs
from devopsclaw.screens.leave import Leave
from devopsclaw.screens.node import Node
from devopsclaw.screens.run_form import RunForm
from devopsclaw.widgets.header_line import HeaderLine
from devopsclaw.widgets.line_table import LineTable
from devopsclaw.widgets.prompt import Prompt
from devopsclaw.widgets.status_line import StatusLine

BANNER = "the core ended, looking for the next"
NOT_OPEN = "the core is not open yet"


@pytest.fixture
def line() -> Succession:
    """Three cores, of which the first is open."""
    return Succession()


def header(pilot: Pilot[int]) -> str:
    """What the header says."""
    return pilot.app.screen.query_one(HeaderLine).render().plain


def status(pilot: Pilot[int]) -> str:
    """What the last two lines say."""
    return pilot.app.screen.query_one(StatusLine).render().plain


async def lose(pilot: Pilot[int], line: Succession) -> None:
    """The core ends, and the console has seen it."""
    line.end_core()
    await until(pilot, lambda: desk(pilot).door is None)


async def find_next(pilot: Pilot[int], line: Succession) -> None:
    """The next core opens, and the console has listed its fleet."""
    number = line.opened
    line.may_open.set()
    await until(pilot, lambda: line.is_at(pilot, number) and bool(line.at(number).named("fleet.status")))
    line.may_open.clear()


async def start(pilot: Pilot[int], line: Succession) -> None:
    """A run on one node, which goes on."""
    line.at(0).outputs["local"] = (-1, "", "")
    await type_run(pilot)
    await until(pilot, lambda: isinstance(pilot.app.screen, Folds))


async def type_run(pilot: Pilot[int]) -> None:
    """Fill in the run form, and say Enter."""
    await pilot.press("x")
    await until(pilot, lambda: isinstance(pilot.app.screen, RunForm))
    pilot.app.screen.query_one("#target").value = "local"  # type: ignore[attr-defined]
    await type_text(pilot, "sleep 60\r")


async def test_the_header_says_that_the_core_ended_until_the_next_one_is_open(line: Succession) -> None:
    async with line.shown() as pilot:
        await lose(pilot, line)
        assert BANNER in header(pilot)
        assert "opening" not in header(pilot) and "all quiet" not in header(pilot)
        assert line.cores[0].is_closed

        await find_next(pilot, line)
        assert BANNER not in header(pilot) and "1/9 nodes" in header(pilot)
        assert "at a core again" in status(pilot)


async def test_what_was_on_screen_stays_there_meanwhile(line: Succession) -> None:
    async with line.shown() as pilot:
        await lose(pilot, line)

        assert isinstance(pilot.app.screen, Fleet)
        assert len(desk(pilot).situation.nodes) == 9


async def test_each_core_is_closed_by_the_task_that_opened_it(line: Succession) -> None:
    async with line.shown() as pilot:
        await lose(pilot, line)
        await find_next(pilot, line)
        await pilot.press("q")
        await until(pilot, lambda: line.cores[1].is_closed)

    assert [each.closed_by for each in line.cores[:2]] == [each.opened_by for each in line.cores[:2]]


@pytest.mark.parametrize(("key", "screen"), [("J", Jobs), ("d", Node)])
async def test_a_screen_that_asks_while_no_core_is_open_says_so(
    line: Succession, key: str, screen: type
) -> None:
    async with line.shown() as pilot:
        await lose(pilot, line)
        await pilot.press(key)
        await until(pilot, lambda: isinstance(pilot.app.screen, screen))
        await until(pilot, lambda: NOT_OPEN in status(pilot))

        assert BANNER in header(pilot)


async def test_no_plan_is_made_while_no_core_is_open_and_what_was_typed_stays(line: Succession) -> None:
    async with line.shown() as pilot:
        await lose(pilot, line)
        await type_run(pilot)
        trouble = pilot.app.screen.query_one("#trouble", Static)
        await until(pilot, lambda: NOT_OPEN in str(trouble.render()))
        await find_next(pilot, line)
        line.at(1).outputs["local"] = (-1, "", "")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, Folds))

    assert [params["command"] for params, *_ in line.at(1).started] == ["sleep 60"]


async def test_a_job_that_is_opened_while_no_core_is_open_says_so(line: Succession) -> None:
    line.know_run(0)
    async with line.shown() as pilot:
        await pilot.press("J")
        await until(pilot, lambda: bool(pilot.app.screen.query_one(LineTable).rows))
        await lose(pilot, line)
        await pilot.press("enter")
        await until(pilot, lambda: NOT_OPEN in status(pilot))


async def test_a_list_that_the_end_cut_off_is_no_error_and_is_made_again(line: Succession) -> None:
    async with line.shown() as pilot:
        line.at(0).holds = "fleet.status"
        before = len(line.at(0).named("fleet.status"))
        line.at(0).bus.publish(RelayMoved("lost", why="refused"))
        await until(pilot, lambda: len(line.at(0).named("fleet.status")) > before)
        await lose(pilot, line)
        assert "has ended" not in status(pilot)

        await find_next(pilot, line)
        await until(pilot, lambda: "relay lost" not in header(pilot))


async def test_a_run_in_flight_is_asked_for_again_and_not_sent_again(line: Succession) -> None:
    async with line.shown() as pilot:
        await start(pilot, line)
        await lose(pilot, line)
        line.know_run(1, status="running")
        await find_next(pilot, line)
        await until(pilot, lambda: bool(line.at(1).named("jobs.watch")))
        assert run_of(pilot, "X-31").is_running and "1 job" in header(pilot)

        line.at(1).finish.set()
        await until(pilot, lambda: run_of(pilot, "X-31").is_settled)
        await until(pilot, lambda: "job" not in header(pilot))

    assert not line.at(1).started


async def test_a_core_that_is_lost_while_it_is_asked_again_is_followed_by_the_next(line: Succession) -> None:
    async with line.shown() as pilot:
        await start(pilot, line)
        for number in (1, 2):
            await lose(pilot, line)
            line.know_run(number, status="running")
            await find_next(pilot, line)
            await until(pilot, partial(line.was_asked, number, "jobs.watch"))
        line.at(2).finish.set()
        await until(pilot, lambda: run_of(pilot, "X-31").is_settled)

    assert not line.at(1).started and not line.at(2).started


async def test_a_run_of_another_console_that_ended_meanwhile_is_fetched(line: Succession) -> None:
    async with line.shown() as pilot:
        theirs = "their-call"
        line.at(0).bus.publish(RunPlanned(theirs, "X-40", "sleep 60", ("local",)))
        line.at(0).bus.publish(NodeMoved(theirs, "X-40", "local", State.RUNNING))
        line.at(0).bus.publish(NodePrinted(theirs, "X-40", "local", "stdout", 0, b"half"))
        await until(pilot, lambda: "1 job" in header(pilot))
        await lose(pilot, line)
        line.know_run(1, "X-40")
        await find_next(pilot, line)
        await until(pilot, lambda: run_of(pilot, "X-40").is_settled)

        assert "job" not in header(pilot)
        assert run_of(pilot, "X-40").folds()[0].stdout == "ok\n"


async def test_what_a_core_said_last_is_heard(line: Succession) -> None:
    """The plan of a run is told and the core is gone, before anything was drawn."""
    async with line.shown() as pilot:
        line.at(0).outputs["local"] = (-1, "", "")
        publish = line.at(0).bus.publish

        def publish_and_end(event: object) -> None:
            publish(event)
            if isinstance(event, RunPlanned):
                line.end_core()

        line.at(0).bus.publish = publish_and_end  # type: ignore[method-assign]
        line.know_run(1)
        line.at(1).finish.set()
        await type_run(pilot)
        await until(pilot, lambda: line.at(0).ended.is_set() and desk(pilot).door is None)
        await find_next(pilot, line)
        await until(pilot, lambda: run_of(pilot, "X-31").is_settled)


async def test_a_write_whose_fate_nobody_knows_says_so_and_is_not_sent_again(line: Succession) -> None:
    line.at(0).holds, line.at(0).effect = "fleet.exec", Effect.WRITE
    async with line.shown() as pilot:
        await type_run(pilot)
        await until(pilot, lambda: pilot.app.screen.query_one(Prompt).is_asking)
        line.clock.advance(1)
        await pilot.press("enter")
        await until(pilot, lambda: bool(line.at(0).started))
        await lose(pilot, line)
        trouble = pilot.app.screen.query_one("#trouble", Static)
        await until(pilot, lambda: "this may have run or not" in str(trouble.render()))
        assert "J lists the jobs" in str(trouble.render())
        await find_next(pilot, line)

    assert not line.at(1).started


async def test_a_core_that_cannot_be_opened_again_says_why_and_q_leaves(line: Succession) -> None:
    async with line.shown() as pilot:
        await lose(pilot, line)
        line.failure = Busy("another devopsclaw core has this home open: process 41", hint="end it")
        line.may_open.set()
        await until(pilot, lambda: "the core did not open" in header(pilot))
        assert BANNER not in header(pilot)
        assert "process 41" in desk(pilot).situation.broken
        await pilot.press("J")
        await until(pilot, lambda: "q, then start the console again" in status(pilot))
        await pilot.press("q")
        await until(pilot, lambda: pilot.app._exit)

    assert pilot.app.return_code == 0


async def test_it_can_be_left_while_the_next_core_is_looked_for(line: Succession) -> None:
    async with line.shown() as pilot:
        await lose(pilot, line)
        await pilot.press("q")
        await until(pilot, lambda: pilot.app._exit)

    assert pilot.app.return_code == 0 and line.opened == 1


async def test_it_can_be_left_with_a_job_while_the_next_core_is_looked_for(line: Succession) -> None:
    async with line.shown() as pilot:
        await start(pilot, line)
        await lose(pilot, line)
        await pilot.press("q")
        await until(pilot, lambda: isinstance(pilot.app.screen, Leave))
        line.clock.advance(1)
        await pilot.press("y")
        await until(pilot, lambda: pilot.app._exit)

    assert pilot.app.return_code == 0 and line.opened == 1
