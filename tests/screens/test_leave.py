"""The question before the console is left."""

from __future__ import annotations

import pytest
from tests.screens.conftest import Bench, type_text, until
from tests.screens.fake_core import FleetStatus
from textual.pilot import Pilot
from textual.widgets import Static

from devopsclaw.model.events import RunEnded, RunPlanned
from devopsclaw.screens.fleet import Fleet
from devopsclaw.screens.leave import AFTER, IN_DEMO, SHOWN, Leave
from devopsclaw.widgets.glyphs import ASCII
from devopsclaw.widgets.prompt import Prompt


def said(pilot: Pilot[int]) -> list[str]:
    """The lines of the box above its question."""
    texts = [str(each.content) for each in pilot.app.screen.query(Static)]
    return [line for text in texts for line in text.strip("\n").split("\n")]


def begun(bench: Bench, *runs: int, command: str = "sleep 60") -> None:
    """These runs begin, started by somebody at this core."""
    for run in runs:
        bench.door.bus.publish(RunPlanned(f"c{run}", f"X-{run}", command, ("local",)))


def ended(bench: Bench, run: int) -> None:
    """This run ends."""
    bench.door.bus.publish(RunEnded(f"c{run}", f"X-{run}", 0))


async def asked(pilot: Pilot[int], count: int) -> None:
    """Press q once so many runs are known."""
    await until(pilot, lambda: len(pilot.app.desk.situation.open_runs) == count)  # type: ignore[attr-defined]
    await pilot.press("q")
    await until(pilot, lambda: isinstance(pilot.app.screen, Leave))


async def test_the_jobs_are_named_newest_first_with_what_becomes_of_them(bench: Bench) -> None:
    async with bench.shown() as pilot:
        begun(bench, 9, 10)
        await asked(pilot, 2)

        assert said(pilot) == [
            "2 jobs running",
            "",
            "  ◌ X-10  $ sleep 60",
            "  ◌ X-9  $ sleep 60",
            *AFTER.strip().split("\n"),
        ]


async def test_in_a_demo_nothing_is_said_to_outlive_it(bench: Bench) -> None:
    bench.demo = True
    async with bench.shown() as pilot:
        begun(bench, 1)
        await asked(pilot, 1)

        assert said(pilot)[-1] == IN_DEMO.strip()


async def test_a_job_that_ends_while_the_box_is_open_disappears_from_it(bench: Bench) -> None:
    async with bench.shown() as pilot:
        begun(bench, 1, 2)
        await asked(pilot, 2)
        ended(bench, 2)
        await until(pilot, lambda: "1 job running" in said(pilot))

        assert "  ◌ X-1  $ sleep 60" in said(pilot)
        assert not any("X-2" in line for line in said(pilot))


async def test_when_the_last_job_has_ended_it_says_so_and_stays_until_it_is_answered(bench: Bench) -> None:
    async with bench.shown() as pilot:
        begun(bench, 1)
        await asked(pilot, 1)
        ended(bench, 1)
        await until(pilot, lambda: "No job is running any more: each has ended." in said(pilot))
        assert not set(AFTER.strip().split("\n")) & set(said(pilot))
        assert pilot.app.screen.query_one(Prompt).is_asking and not bench.core.is_closed
        bench.clock.advance(1)
        await pilot.press("y")
        await until(pilot, lambda: bench.core.is_closed)


async def test_a_job_that_begins_while_the_box_is_open_appears_in_it(bench: Bench) -> None:
    async with bench.shown() as pilot:
        begun(bench, 1)
        await asked(pilot, 1)
        begun(bench, 2, command="uptime")
        await until(pilot, lambda: "  ◌ X-2  $ uptime" in said(pilot))


async def test_an_end_that_is_only_known_by_the_next_list_counts_too(bench: Bench) -> None:
    bench.door.fleet_status = FleetStatus(open_runs=["X-5"])
    async with bench.shown() as pilot:
        await asked(pilot, 1)
        assert "  ◌ X-5  (not started from here)" in said(pilot)
        bench.door.fleet_status = FleetStatus()
        pilot.app._minute()  # type: ignore[attr-defined]
        await until(pilot, lambda: "No job is running any more: each has ended." in said(pilot))


async def test_what_happens_behind_the_box_is_no_key_and_takes_no_quiet_time(bench: Bench) -> None:
    async with bench.shown() as pilot:
        begun(bench, 1, 2)
        await asked(pilot, 2)
        bench.clock.advance(1)
        ended(bench, 2)
        await until(pilot, lambda: "1 job running" in said(pilot))
        assert isinstance(pilot.app.focused, Prompt)
        await pilot.press("y")
        await until(pilot, lambda: bench.core.is_closed)


@pytest.mark.parametrize("key", ["n", "escape"])
async def test_no_and_escape_stay(bench: Bench, key: str) -> None:
    async with bench.shown() as pilot:
        begun(bench, 1)
        await asked(pilot, 1)
        bench.clock.advance(1)
        await pilot.press(key)
        await until(pilot, lambda: isinstance(pilot.app.screen, Fleet))

        assert not bench.core.is_closed


async def test_ctrl_c_closes_the_box_and_leaves_nothing(bench: Bench) -> None:
    async with bench.shown() as pilot:
        begun(bench, 1)
        await asked(pilot, 1)
        await pilot.press("ctrl+c")
        await until(pilot, lambda: isinstance(pilot.app.screen, Fleet))

        assert not bench.core.is_closed


async def test_keys_of_the_pane_behind_do_nothing_here(bench: Bench) -> None:
    async with bench.shown() as pilot:
        begun(bench, 1)
        await asked(pilot, 1)
        await type_text(pilot, "xq5J:?2 ")

        assert isinstance(pilot.app.screen, Leave)
        assert len(pilot.app.screen_stack) == 2
    assert bench.door.started == []


async def test_many_jobs_are_counted_and_the_question_stays_on_a_small_terminal(bench: Bench) -> None:
    async with bench.shown((80, 16)) as pilot:
        begun(bench, *range(1, 21), command="tail -f " + "/var/log/a-very-long-name" * 20 + "\nrm -rf /tmp/x")
        await asked(pilot, 20)
        await pilot.pause()

        assert said(pilot)[SHOWN + 2] == "  and 15 more"
        assert all("␊rm" in line for line in said(pilot)[2 : SHOWN + 2])
        prompt = pilot.app.screen.query_one(Prompt)
        assert pilot.app.screen.region.contains_region(prompt.region) and prompt.region.height == 2


async def test_where_the_locale_is_not_utf_8_the_box_has_no_other_sign(bench: Bench) -> None:
    bench.glyphs = ASCII
    async with bench.shown() as pilot:
        begun(bench, 1)
        await asked(pilot, 1)

        assert "  . X-1  $ sleep 60" in said(pilot)
        assert "".join(said(pilot)).isascii()


async def test_with_nothing_running_q_asks_nothing(bench: Bench) -> None:
    async with bench.shown() as pilot:
        begun(bench, 1)
        await until(pilot, lambda: bool(pilot.app.desk.situation.open_runs))  # type: ignore[attr-defined]
        ended(bench, 1)
        await until(pilot, lambda: not pilot.app.desk.situation.open_runs)  # type: ignore[attr-defined]
        await pilot.press("q")
        await until(pilot, lambda: bench.core.is_closed)
