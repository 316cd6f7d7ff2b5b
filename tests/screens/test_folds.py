"""A run on screen, while it goes on and after."""

from __future__ import annotations

from tests.screens.conftest import Bench, until
from textual.pilot import Pilot

from devopsclaw.model.call import Consent
from devopsclaw.model.errors import Unreachable
from devopsclaw.model.events import NodePrinted
from devopsclaw.screens.entry import Entry
from devopsclaw.screens.fleet import Fleet
from devopsclaw.screens.folds import Folds
from devopsclaw.screens.live_run import LiveRun
from devopsclaw.screens.run_form import RunForm
from devopsclaw.widgets.field import Field
from devopsclaw.widgets.fold_view import FoldView
from devopsclaw.widgets.prompt import Prompt
from devopsclaw.widgets.status_line import StatusLine
from devopsclaw.widgets.tone_line import ToneLine

DISK = "Filesystem Size\n/dev/vda1 40G\n"


async def run_it(pilot: Pilot[int], bench: Bench, target: str = "env=prod") -> None:
    """Run `df -h` on this target; prod-web-2 fails, prod-api-2 goes on until the run is let end."""
    bench.door.outputs = {node.name: (0, DISK, "") for node in bench.door.nodes}
    bench.door.outputs["prod-web-2"] = (1, DISK, "no space left\n")
    bench.door.outputs["prod-api-2"] = (-1, "Filesystem", "")
    await pilot.press("x")
    await until(pilot, lambda: isinstance(pilot.app.screen, RunForm))
    pilot.app.screen.query_one("#command", Field).value = "df -h"
    pilot.app.screen.query_one("#target", Field).value = target
    await pilot.press("enter")
    await until(pilot, lambda: isinstance(pilot.app.screen, Folds) and "failed" in counts(pilot))


def counts(pilot: Pilot[int]) -> str:
    """The line of counts."""
    return pilot.app.screen.query_one("#counts", ToneLine).text


def status(pilot: Pilot[int]) -> str:
    """The last two lines."""
    return pilot.app.screen.query_one(StatusLine).render().plain


async def cancel(pilot: Pilot[int], bench: Bench) -> None:
    """Ask for the end of the run and say yes."""
    await pilot.press("X")
    bench.clock.advance(1)
    await pilot.press("y")


async def started(pilot: Pilot[int], target: str) -> None:
    """Run something on this target and wait until a node runs it."""
    await pilot.press("x")
    await until(pilot, lambda: isinstance(pilot.app.screen, RunForm))
    pilot.app.screen.query_one("#command", Field).value = "sleep 60"
    pilot.app.screen.query_one("#target", Field).value = target
    await pilot.press("enter")
    await until(pilot, lambda: isinstance(pilot.app.screen, Folds) and "running" in counts(pilot))


def shown(pilot: Pilot[int]) -> list[str]:
    """The rows of the fold view as text."""
    rows = pilot.app.screen.query_one("#fold-view").rows  # type: ignore[attr-defined]
    return ["".join(text for text, _ in row.cells).strip() for row in rows]


async def test_counts_and_folds_are_live_odd_ones_first(bench: Bench) -> None:
    async with bench.shown() as pilot:
        await run_it(pilot, bench)

        assert counts(pilot).split("   ")[0].split("  ")[1:4] == ["✖ 1 failed", "◌ 1 running", "● 4 ok"]
        heads = [line for line in shown(pilot) if line[0] in "▾▸"]
        assert [head.split()[2] for head in heads] == ["failed", "running", "ok"]
        assert "prod-web-2" in heads[0] and "4 nodes" in heads[2]


async def test_output_streams_in_while_it_runs(bench: Bench) -> None:
    async with bench.shown() as pilot:
        await run_it(pilot, bench)
        live = pilot.app.screen.live  # type: ignore[attr-defined]
        bench.door.bus.publish(NodePrinted(live.call, live.run, "prod-api-2", "stdout", 10, b" Size\nmore\n"))
        await until(pilot, lambda: "│ more" in shown(pilot))


async def test_the_result_replaces_what_was_put_together(bench: Bench) -> None:
    async with bench.shown() as pilot:
        await run_it(pilot, bench)
        bench.door.finish.set()
        await until(pilot, lambda: "ended, exit 1: some node failed" in counts(pilot))

        assert pilot.app.screen.live.is_settled  # type: ignore[attr-defined]


async def test_x_and_then_y_cancels_the_job(bench: Bench) -> None:
    async with bench.shown() as pilot:
        await run_it(pilot, bench)
        await pilot.press("X")
        question = pilot.app.screen.query_one(Prompt).render().plain
        assert question.startswith("CANCEL X-31 on 1 node where it still runs")
        await pilot.press("y")
        assert bench.door.named("jobs.cancel") == []
        bench.clock.advance(1)
        await pilot.press("y")
        await until(pilot, lambda: bool(bench.door.named("jobs.cancel")))

    assert bench.door.named("jobs.cancel") == [({"run": "X-31"}, Consent("yes"), False)]


async def test_n_and_escape_leave_the_job_alone(bench: Bench) -> None:
    async with bench.shown() as pilot:
        await run_it(pilot, bench)
        for key in ("n", "escape"):
            await pilot.press("X")
            bench.clock.advance(1)
            await pilot.press(key)
            await until(pilot, lambda: not pilot.app.screen.query_one(Prompt).is_asking)

        assert isinstance(pilot.app.screen, Folds)
    assert bench.door.named("jobs.cancel") == []


async def test_what_has_ended_cannot_be_cancelled(bench: Bench) -> None:
    async with bench.shown() as pilot:
        await run_it(pilot, bench)
        bench.door.finish.set()
        await until(pilot, lambda: "ended" in counts(pilot))
        await pilot.press("X")

        assert not pilot.app.screen.query_one(Prompt).is_asking


async def test_a_cancel_that_fails_says_why(bench: Bench) -> None:
    async with bench.shown() as pilot:
        await run_it(pilot, bench)
        bench.door.failures["jobs.cancel"] = Unreachable("the relay does not answer", hint="try again")
        await cancel(pilot, bench)
        await until(pilot, lambda: "relay does not answer" in status(pilot))


async def test_when_a_cancelled_run_has_ended_nothing_is_being_cancelled_any_more(bench: Bench) -> None:
    async with bench.shown() as pilot:
        await run_it(pilot, bench)
        bench.door.holds_cancel = True
        await cancel(pilot, bench)
        await until(pilot, lambda: "cancelling X-31" in status(pilot))
        bench.door.finish.set()
        await until(pilot, lambda: "ended" in counts(pilot))

        assert "cancelling" not in status(pilot)


async def test_another_notice_is_not_taken_away_by_the_end_of_the_run(bench: Bench) -> None:
    async with bench.shown() as pilot:
        await run_it(pilot, bench)
        bench.door.holds_cancel = True
        await cancel(pilot, bench)
        await until(pilot, lambda: "cancelling X-31" in status(pilot))
        pilot.app.screen.say("sent 1 name: tmux")  # type: ignore[attr-defined]
        bench.door.finish.set()
        await until(pilot, lambda: "ended" in counts(pilot))

        assert "sent 1 name: tmux" in status(pilot)


async def test_a_run_that_ends_takes_the_question_whether_to_cancel_it_away(bench: Bench) -> None:
    async with bench.shown() as pilot:
        await run_it(pilot, bench)
        await pilot.press("X")
        bench.door.finish.set()
        await until(pilot, lambda: not pilot.app.screen.query_one(Prompt).is_asking)
        assert "X-31 has ended" in status(pilot)
        bench.clock.advance(1)
        await pilot.press("n")

        assert isinstance(pilot.app.focused, FoldView)
    assert bench.door.named("jobs.cancel") == []


async def test_a_call_that_breaks_off_takes_the_question_away_and_is_not_called_ended(bench: Bench) -> None:
    async with bench.shown() as pilot:
        await run_it(pilot, bench)
        await pilot.press("X")
        pilot.app.screen.live.error = Unreachable("the core went away")  # type: ignore[attr-defined]
        pilot.app.screen.absorb(frozenset())  # type: ignore[attr-defined]

        assert not pilot.app.screen.query_one(Prompt).is_asking
        assert "has ended" not in status(pilot)


async def test_a_run_that_ended_without_output_says_so_and_there_is_nothing_to_copy(bench: Bench) -> None:
    async with bench.shown() as pilot:
        await run_it(pilot, bench)
        bench.door.outputs["prod-web-2"] = (0, "", "")
        await pilot.press("escape", "x")
        pilot.app.screen.query_one("#command", Field).value = "true"
        pilot.app.screen.query_one("#target", Field).value = "prod-web-2"
        bench.door.finish.set()
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, Folds) and "ended" in counts(pilot))
        assert "ended without output" in shown(pilot)
        await pilot.press("y")
        await until(pilot, lambda: "nothing to copy: ended without output" in status(pilot))

    assert bench.sent == []


async def test_before_any_output_there_is_nothing_to_copy_yet(bench: Bench) -> None:
    bench.door.outputs["local"] = (-1, "", "")
    async with bench.shown() as pilot:
        await started(pilot, "local")
        await pilot.press("y")
        await until(pilot, lambda: "nothing to copy: no output yet" in status(pilot))

    assert bench.sent == []


async def test_a_call_that_breaks_off_promises_no_output_of_what_was_still_running(bench: Bench) -> None:
    bench.door.outputs["local"] = (-1, "", "")
    async with bench.shown() as pilot:
        await started(pilot, "local")
        assert "no output yet" in shown(pilot)
        pilot.app.screen.live.error = Unreachable("the core went away")  # type: ignore[attr-defined]
        pilot.app.screen.absorb(frozenset())  # type: ignore[attr-defined]
        await pilot.press("y")

        assert "no output came" in shown(pilot)
        assert "nothing to copy: no output came" in status(pilot)


async def test_a_run_without_a_single_node_has_nothing_to_copy(bench: Bench) -> None:
    async with bench.shown() as pilot:
        pilot.app.push_screen(Folds(pilot.app.desk, LiveRun("c", "uptime")))  # type: ignore[attr-defined]
        await until(pilot, lambda: isinstance(pilot.app.screen, Folds))
        await pilot.press("y", "enter", "e")
        await pilot.press("y")
        await until(pilot, lambda: "nothing to copy: no node has answered" in status(pilot))


async def test_what_is_copied_is_counted_in_words(bench: Bench) -> None:
    async with bench.shown() as pilot:
        await run_it(pilot, bench)
        await pilot.press("g", "y")
        await until(pilot, lambda: "sent the output of 1 node: tmux" in status(pilot))
        await pilot.press("G", "y")
        await until(pilot, lambda: "sent the output of 4 nodes: tmux" in status(pilot))


async def test_escape_goes_back_and_the_run_goes_on(bench: Bench) -> None:
    async with bench.shown() as pilot:
        await run_it(pilot, bench)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, Fleet))
        assert bench.door.named("jobs.cancel") == []
        bench.door.finish.set()
        live = next(iter(pilot.app.desk.situation.runs.values()))  # type: ignore[attr-defined]
        await until(pilot, lambda: live.is_settled)


async def test_o_opens_its_audit_entry(bench: Bench) -> None:
    bench.door.entries[0].id = "E-8851"
    async with bench.shown() as pilot:
        await run_it(pilot, bench)
        await pilot.press("o")
        await until(pilot, lambda: isinstance(pilot.app.screen, Entry))
        await until(pilot, lambda: bool(bench.door.named("audit.show")))

    assert bench.door.named("audit.show")[0][0] == {"id": "E-8851"}


async def test_x_opens_the_form_with_the_same_command_and_target(bench: Bench) -> None:
    async with bench.shown() as pilot:
        await run_it(pilot, bench)
        await pilot.press("x")
        await until(pilot, lambda: isinstance(pilot.app.screen, RunForm))

        assert pilot.app.screen.query_one("#command", Field).value == "df -h"
        assert pilot.app.screen.query_one("#target", Field).value == "env=prod"


async def test_y_sends_the_output_of_the_fold_under_the_cursor_made_safe(bench: Bench) -> None:
    async with bench.shown() as pilot:
        await run_it(pilot, bench)
        await pilot.press("g", "y")
        await until(pilot, lambda: bool(bench.sent))

    assert bench.sent == [DISK + "no space left\n"]


async def test_a_run_that_breaks_off_says_why_and_shows_what_came(bench: Bench) -> None:
    async with bench.shown() as pilot:
        await run_it(pilot, bench)
        live = pilot.app.screen.live  # type: ignore[attr-defined]
        live.error = Unreachable("the core went away", hint="start the console again")
        pilot.app.screen.absorb(frozenset())  # type: ignore[attr-defined]
        await pilot.pause()

        assert "the core went away" in str(pilot.app.screen.query_one("#trouble").render())
        assert any("prod-web-2" in line for line in shown(pilot))
