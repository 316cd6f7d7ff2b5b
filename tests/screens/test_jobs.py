"""The list of jobs, and the way from it into a run."""

from __future__ import annotations

from tests.screens.conftest import Bench, until
from tests.screens.fake_core import Execution, FleetStatus
from textual.pilot import Pilot

from devopsclaw.model.errors import Damaged, NotFound
from devopsclaw.model.events import RunEnded, RunPlanned
from devopsclaw.model.state import State
from devopsclaw.screens.folds import Folds
from devopsclaw.screens.jobs import Jobs
from devopsclaw.widgets.line_table import LineTable
from devopsclaw.widgets.status_line import StatusLine
from devopsclaw.widgets.tone_line import ToneLine


def past(bench: Bench) -> Execution:
    """A run that this console did not see begin."""
    plan = bench.door.plan({"command": "df -h", "target": "env=stage"})
    return bench.door.result("X-7", "E-70", "df -h", plan)


def table(pilot: Pilot[int]) -> LineTable:
    """The list."""
    return pilot.app.screen.query_one(LineTable)


async def opened(pilot: Pilot[int]) -> None:
    """Open the list and wait for its answer."""
    await pilot.press("J")
    await until(pilot, lambda: isinstance(pilot.app.screen, Jobs))


async def test_jobs_are_listed_with_when_who_how_and_what(bench: Bench) -> None:
    bench.door.past = [past(bench)]
    async with bench.shown() as pilot:
        await opened(pilot)
        await until(pilot, lambda: bool(table(pilot).rows))
        shown = [text for text, _ in table(pilot).rows[0].cells]

    assert shown == ["03:09:14", "X-7", "● ok", "maria", "2", "env=stage", "df -h"]


async def test_no_jobs_says_so(bench: Bench) -> None:
    async with bench.shown() as pilot:
        await opened(pilot)
        empty = pilot.app.screen.query_one("#empty")
        await until(pilot, lambda: bool(empty.display))

        assert "Nothing was run yet" in str(empty.render())


async def test_enter_opens_a_run_that_this_console_did_not_start(bench: Bench) -> None:
    bench.door.past = [past(bench)]
    async with bench.shown() as pilot:
        await opened(pilot)
        await until(pilot, lambda: bool(table(pilot).rows))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, Folds))

        assert "2 ok" in pilot.app.screen.query_one("#counts", ToneLine).text
    assert bench.door.named("jobs.show") == [({"run": "X-7"}, None, False)]


async def test_a_run_that_goes_on_elsewhere_can_be_cancelled_from_here(bench: Bench) -> None:
    made = past(bench)
    item = made.items[0].model_copy(update={"status": State.RUNNING})
    so_far = {"counts": {"running": 1, "ok": 1}, "items": [item], "exit_code": 8}
    bench.door.past = [made.model_copy(update=so_far)]
    async with bench.shown() as pilot:
        await opened(pilot)
        await until(pilot, lambda: bool(table(pilot).rows))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, Folds))
        await pilot.press("X")
        bench.clock.advance(1)
        await pilot.press("y")
        await until(pilot, lambda: bool(bench.door.named("jobs.cancel")))


async def test_the_end_of_a_run_that_goes_on_elsewhere_is_asked_for(bench: Bench) -> None:
    made = past(bench)
    item = made.items[0].model_copy(update={"status": State.RUNNING})
    so_far = {"counts": {"running": 1, "ok": 1}, "items": [item], "exit_code": 8}
    bench.door.past = [made.model_copy(update=so_far)]
    bench.door.fleet_status = FleetStatus(open_runs=["X-7"])
    async with bench.shown() as pilot:
        await opened(pilot)
        await until(pilot, lambda: bool(table(pilot).rows))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, Folds))
        counts = pilot.app.screen.query_one("#counts", ToneLine)
        await pilot.press("X")
        bench.clock.advance(1)
        await pilot.press("y")
        await until(pilot, lambda: bool(bench.door.named("jobs.cancel")))
        assert "going on" in counts.text
        bench.door.past = [made]
        bench.door.bus.publish(RunEnded("another call", "X-7", 0))
        await until(pilot, lambda: "ended, exit 0" in counts.text)

        assert "cancelling" not in pilot.app.screen.query_one(StatusLine).render().plain


async def test_an_end_that_cannot_be_asked_for_says_why_and_promises_nothing(bench: Bench) -> None:
    made = past(bench)
    so_far = {"counts": {"running": 2}, "items": [], "folds": [], "exit_code": 8}
    bench.door.past = [made.model_copy(update=so_far)]
    bench.door.fleet_status = FleetStatus(open_runs=["X-7"])
    async with bench.shown() as pilot:
        await opened(pilot)
        await until(pilot, lambda: bool(table(pilot).rows))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, Folds))
        bench.door.failures["jobs.show"] = Damaged("the log of runs cannot be read")
        bench.door.bus.publish(RunEnded("another call", "X-7", 0))
        line = pilot.app.screen.query_one(StatusLine)
        await until(pilot, lambda: "cannot be read" in line.render().plain)

        assert "ended" not in pilot.app.screen.query_one("#counts", ToneLine).text


async def test_a_new_run_appears_in_the_list(bench: Bench) -> None:
    async with bench.shown() as pilot:
        await opened(pilot)
        before = len(bench.door.named("jobs.list"))
        bench.door.past = [past(bench)]
        bench.door.bus.publish(RunPlanned("c", "X-7", "df -h", ("stage-web-1",)))
        await until(pilot, lambda: len(bench.door.named("jobs.list")) > before and bool(table(pilot).rows))


async def test_a_job_that_is_gone_says_so(bench: Bench) -> None:
    bench.door.past = [past(bench)]
    async with bench.shown() as pilot:
        await opened(pilot)
        await until(pilot, lambda: bool(table(pilot).rows))
        bench.door.failures["jobs.show"] = NotFound("there is no job X-7", hint="jobs list shows them")
        await pilot.press("enter")
        line = pilot.app.screen.query_one(StatusLine)
        await until(pilot, lambda: "there is no job X-7" in line.render().plain)
