"""The console as a whole: how it opens, where keys lead, how it is left."""

from __future__ import annotations

import asyncio

import pytest
from tests.screens.conftest import Bench, type_text, until
from tests.screens.fake_core import NIGHT
from textual.pilot import Pilot

from devopsclaw.model.errors import Busy
from devopsclaw.model.events import NodeSeen, RelayMoved, Warned
from devopsclaw.palette import Palette
from devopsclaw.screens.audit import Audit
from devopsclaw.screens.fleet import Fleet
from devopsclaw.screens.folds import Folds
from devopsclaw.screens.help import Help
from devopsclaw.screens.jobs import Jobs
from devopsclaw.screens.leave import Leave
from devopsclaw.screens.run_form import RunForm
from devopsclaw.widgets.header_line import HeaderLine
from devopsclaw.widgets.page import Page
from devopsclaw.widgets.status_line import StatusLine


def header(pilot: Pilot[int]) -> str:
    """What the header says."""
    return pilot.app.screen.query_one(HeaderLine).render().plain


def footer(pilot: Pilot[int]) -> str:
    """What the last two lines say."""
    return pilot.app.screen.query_one(StatusLine).render().plain


async def start_run(pilot: Pilot[int], command: str) -> None:
    """Type a command into the run form and wait for its folds."""
    await pilot.press("x")
    await until(pilot, lambda: isinstance(pilot.app.screen, RunForm))
    await type_text(pilot, command + "\r")
    await until(pilot, lambda: isinstance(pilot.app.screen, Folds))


async def test_the_first_picture_stands_before_the_core_is_open(bench: Bench) -> None:
    bench.opens = asyncio.Event()
    console = bench.console()
    async with console.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert "opening" in header(pilot)
        assert bench.door.calls == []

        bench.opens.set()
        await until(pilot, lambda: bool(console.desk.situation.nodes))
        assert "1/9 nodes" in header(pilot)


async def test_it_opens_on_the_fleet_and_can_open_on_another_pane(bench: Bench) -> None:
    async with bench.shown() as pilot:
        assert isinstance(pilot.app.screen, Fleet)
    async with bench.shown(pane="audit") as pilot:
        assert isinstance(pilot.app.screen, Audit)


async def test_a_core_that_does_not_open_says_why_and_what_to_do(bench: Bench) -> None:
    bench.failure = Busy("another devopsclaw (pid 41) has this home open", hint="close it first")
    console = bench.console()
    async with console.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: bool(console.desk.situation.broken))

        assert "the core did not open" in header(pilot)
        shown = str(pilot.app.screen.query_one("#empty").render())
        assert "pid 41" in shown and "close it first" in shown
        await pilot.press("q")
        await until(pilot, lambda: console._exit)


async def test_what_is_normal_is_dim_and_said_in_two_words(bench: Bench) -> None:
    for node in bench.door.nodes:
        node.status = "online"
    async with bench.shown() as pilot:
        assert "all quiet  9 nodes" in header(pilot)
        assert "✖" not in header(pilot)


async def test_the_header_names_the_protected_environment_and_the_demo(bench: Bench) -> None:
    bench.demo = True
    async with bench.shown() as pilot:
        assert header(pilot).startswith("  PROD    DEMO ")
        assert header(pilot).rstrip().endswith("03:09Z")


async def test_a_lost_relay_is_said_with_its_reason_and_the_fleet_asked_again(bench: Bench) -> None:
    async with bench.shown() as pilot:
        before = len(bench.door.named("node.list"))
        bench.door.fleet_status = bench.door.fleet_status.model_copy(
            update={"connection": "lost", "why": "connection refused"}
        )
        bench.door.bus.publish(RelayMoved("lost", why="connection refused"))
        await until(pilot, lambda: "relay lost since 03:09Z: connection refused" in header(pilot))

        assert len(bench.door.named("node.list")) > before


async def test_presence_is_shown_as_it_changes(bench: Bench) -> None:
    async with bench.shown() as pilot:
        bench.door.bus.publish(NodeSeen("prod-web-1", "offline", NIGHT - 95))
        await until(pilot, lambda: "2/9 nodes" in header(pilot))


async def test_a_node_that_nobody_knew_is_asked_for(bench: Bench) -> None:
    async with bench.shown() as pilot:
        bench.door.nodes.append(bench.door.nodes[0].model_copy(update={"name": "new-1"}))
        bench.door.bus.publish(NodeSeen("new-1", "online", NIGHT))
        await until(pilot, lambda: "new-1" in pilot.app.desk.situation.nodes)  # type: ignore[attr-defined]


async def test_digits_switch_panes_and_each_keeps_what_was_open(bench: Bench) -> None:
    async with bench.shown() as pilot:
        await pilot.press("J")
        await pilot.press("5")
        assert isinstance(pilot.app.screen, Audit)
        await pilot.press("2")
        assert isinstance(pilot.app.screen, Jobs)


@pytest.mark.parametrize("digit", ["1", "3", "4"])
async def test_panes_that_do_not_exist_have_no_key(bench: Bench, digit: str) -> None:
    async with bench.shown() as pilot:
        await pilot.press(digit)

        assert isinstance(pilot.app.screen, Fleet)


async def test_help_lists_every_key_that_acts_here(bench: Bench) -> None:
    async with bench.shown((80, 60)) as pilot:
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(pilot.app.screen, Help))
        rows = pilot.app.screen.query_one(Page).rows
        shown = "\n".join("".join(text for text, _ in row.cells) for row in rows)

        for words in ("x", "fleet.exec", "Ctrl+L", "redraw", "EVERYWHERE", "Space"):
            assert words in shown


@pytest.mark.parametrize("key", ["colon", "ctrl+p"])
async def test_the_palette_finds_an_action_by_its_operation_and_does_it(bench: Bench, key: str) -> None:
    async with bench.shown() as pilot:
        await pilot.press(key)
        await until(pilot, lambda: isinstance(pilot.app.screen, Palette))
        await type_text(pilot, "jobslist\r")
        await until(pilot, lambda: isinstance(pilot.app.screen, Jobs))


async def test_escape_leaves_the_palette_and_does_nothing(bench: Bench) -> None:
    async with bench.shown() as pilot:
        await pilot.press("colon", "escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, Fleet))


async def test_ctrl_c_closes_what_is_open_and_on_a_pane_says_how_to_leave(bench: Bench) -> None:
    async with bench.shown() as pilot:
        await pilot.press("J", "ctrl+c")
        assert isinstance(pilot.app.screen, Fleet)
        await pilot.press("ctrl+c")
        await until(pilot, lambda: "q leaves" in footer(pilot))
        await pilot.press("j")
        await until(pilot, lambda: "q leaves" not in footer(pilot))


async def test_q_leaves_at_once_when_nothing_runs_and_closes_the_core(bench: Bench) -> None:
    async with bench.shown() as pilot:
        await pilot.press("q")
        await until(pilot, lambda: bench.core.is_closed)
    assert pilot.app.return_code == 0


async def test_the_core_is_closed_by_the_task_that_opened_it(bench: Bench) -> None:
    async with bench.shown() as pilot:
        await pilot.press("q")
        await until(pilot, lambda: bench.core.is_closed)

    assert bench.core.closed_by is bench.core.opened_by


async def test_with_a_job_running_q_says_so_and_only_y_leaves(bench: Bench) -> None:
    async with bench.shown() as pilot:
        await start_run(pilot, "sleep 60")
        await pilot.press("q")
        await until(pilot, lambda: isinstance(pilot.app.screen, Leave))
        bench.clock.advance(1)
        await pilot.press("enter", "space")
        assert isinstance(pilot.app.screen, Leave)
        bench.clock.advance(1)
        await pilot.press("y")
        await until(pilot, lambda: bench.core.is_closed)


async def test_y_typed_right_after_q_does_not_leave(bench: Bench) -> None:
    async with bench.shown() as pilot:
        await start_run(pilot, "sleep 60")
        await pilot.press("q", "y", "y")
        assert isinstance(pilot.app.screen, Leave)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, Folds))
        assert not bench.core.is_closed


async def test_copying_says_sent_and_how(bench: Bench) -> None:
    async with bench.shown() as pilot:
        await pilot.press("y")
        await until(pilot, lambda: "sent 1 name: tmux" in footer(pilot))

    assert bench.sent == ["prod-web-2"]


async def test_a_warning_of_the_core_stands_in_the_situation_column(bench: Bench) -> None:
    async with bench.shown((120, 40)) as pilot:
        bench.door.bus.publish(Warned("3 writes waited"))
        column = pilot.app.screen.query_one("SideColumn")
        await until(pilot, lambda: "3 writes waited" in str(column.render()))
        assert column.display


async def test_below_100_cells_there_is_no_situation_column(bench: Bench) -> None:
    async with bench.shown((99, 24)) as pilot:
        assert not pilot.app.screen.query_one("SideColumn").display


async def test_the_mouse_is_off_until_asked_for_and_off_again_when_left(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[str] = []
    async with bench.shown() as pilot:
        driver = pilot.app._driver
        assert driver is not None
        monkeypatch.setattr(driver, "write", written.append)
        await pilot.press("M")
        assert "mouse on" in footer(pilot)
        await pilot.press("q")
        await until(pilot, lambda: bench.core.is_closed)
        await pilot.pause()

    reports = [text for text in written if "?1000" in text]
    assert reports == ["\x1b[?1000h\x1b[?1003h\x1b[?1006h", "\x1b[?1000l\x1b[?1003l\x1b[?1006l"]


async def test_the_clock_moves_by_minutes_and_lists_the_fleet_again(bench: Bench) -> None:
    async with bench.shown() as pilot:
        before = len(bench.door.named("node.list"))
        bench.clock.advance(60)
        pilot.app._minute()  # type: ignore[attr-defined]
        await until(pilot, lambda: len(bench.door.named("node.list")) > before)
        assert header(pilot).rstrip().endswith("03:10Z")


async def test_a_run_that_was_left_is_found_under_jobs_and_goes_on_there(bench: Bench) -> None:
    async with bench.shown() as pilot:
        await start_run(pilot, "sleep 60")
        await pilot.press("escape")
        assert isinstance(pilot.app.screen, Fleet)
        assert "1 job" in header(pilot)
        bench.finish_with_past()
        await pilot.press("J")
        await until(pilot, lambda: bool(pilot.app.screen.query_one("#jobs-table").rows))  # type: ignore[attr-defined]
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, Folds))
        await until(pilot, lambda: "job" not in header(pilot))


async def test_names_of_a_hostile_node_do_not_reach_the_terminal(bench: Bench) -> None:
    bench.door.nodes[0] = bench.door.nodes[0].model_copy(update={"name": "a\x1b]0;owned\x07"})
    async with bench.shown() as pilot:
        shown = pilot.app.export_screenshot()

    assert "\x1b" not in shown and "\x07" not in shown
