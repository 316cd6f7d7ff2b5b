"""What all screens share: header, panes, status line and what is said in it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.screens.conftest import Bench, type_text, until
from textual.pilot import Pilot

from devopsclaw.model.errors import BadTarget, ClawError, Unreachable
from devopsclaw.screens.base import PANES, CopyWanted, Frame
from devopsclaw.screens.fleet import Fleet
from devopsclaw.screens.help import Help
from devopsclaw.screens.jobs import Jobs
from devopsclaw.screens.run_form import RunForm
from devopsclaw.widgets.glyphs import ASCII
from devopsclaw.widgets.header_line import HeaderLine
from devopsclaw.widgets.status_line import StatusLine
from devopsclaw.widgets.tone_line import ToneLine


def frame(pilot: Pilot[int]) -> Frame:
    """The screen in front."""
    screen = pilot.app.screen
    assert isinstance(screen, Frame)
    return screen


def lower(pilot: Pilot[int]) -> str:
    """The state word and what stands beside it."""
    return pilot.app.screen.query_one(StatusLine).render().plain.split("\n")[1]


def upper(pilot: Pilot[int]) -> str:
    """The keys of the screen."""
    return pilot.app.screen.query_one(StatusLine).render().plain.split("\n")[0]


def picture(pilot: Pilot[int]) -> list[str]:
    """Every line that the terminal shows."""
    strips = pilot.app.screen._compositor.render_strips()
    return ["".join(segment.text for segment in strip) for strip in strips]


async def shown_frame(pilot: Pilot[int], key: str, kind: type[Frame]) -> None:
    """Open a screen by its key."""
    await pilot.press(key)
    await until(pilot, lambda: isinstance(pilot.app.screen, kind))


async def test_a_notice_takes_the_place_of_the_global_keys_until_the_next_key(bench: Bench) -> None:
    async with bench.shown() as pilot:
        frame(pilot).say("the relay is back", "ok")
        assert "the relay is back" in lower(pilot) and "help" not in lower(pilot)
        await pilot.press("j")
        await until(pilot, lambda: "help" in lower(pilot))

        assert "the relay is back" not in lower(pilot)


async def test_the_newest_notice_stands(bench: Bench) -> None:
    async with bench.shown() as pilot:
        frame(pilot).say("one")
        frame(pilot).say("two")

        assert "two" in lower(pilot) and "one" not in lower(pilot)


async def test_only_the_notice_that_is_meant_is_taken_away(bench: Bench) -> None:
    async with bench.shown() as pilot:
        frame(pilot).say("cancelling X-1")
        frame(pilot).unsay("cancelling X-2")
        assert "cancelling X-1" in lower(pilot)
        frame(pilot).unsay("cancelling X-1")

        assert "cancelling" not in lower(pilot) and "help" in lower(pilot)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (Unreachable("the relay does not answer", hint="try again"), "the relay does not answer; try again"),
        (BadTarget("'x=' has no value"), "'x=' has no value"),
    ],
)
async def test_an_error_is_said_with_what_to_do_next(bench: Bench, error: ClawError, said: str) -> None:
    async with bench.shown() as pilot:
        frame(pilot).say_error(error)

        assert lower(pilot).strip() == f"NORMAL  {said}"


async def test_a_notice_of_many_lines_is_one_line_and_has_no_power(bench: Bench) -> None:
    async with bench.shown() as pilot:
        frame(pilot).say("one\ntwo\tthree\r\n\x1b[2Jfour\u202e")

        assert "one two three ␛[2Jfour<U+202E>" in lower(pilot)
        assert pilot.app.screen.query_one(StatusLine).render().plain.count("\n") == 1


async def test_a_long_notice_ends_in_an_ellipsis_at_80_cells(bench: Bench) -> None:
    async with bench.shown() as pilot:
        frame(pilot).say("word " * 60)

        assert len(lower(pilot)) == 80 and lower(pilot).rstrip().endswith("…")


async def test_a_notice_belongs_to_the_screen_that_was_in_front(bench: Bench) -> None:
    async with bench.shown() as pilot:
        frame(pilot).say("of the fleet")
        await shown_frame(pilot, "J", Jobs)

        assert "of the fleet" not in lower(pilot)


async def test_what_is_said_before_the_screen_stands_is_said_when_it_does(bench: Bench) -> None:
    async with bench.shown() as pilot:
        jobs = Jobs(pilot.app.desk)  # type: ignore[attr-defined]
        jobs.say("too early")
        jobs.settle()
        pilot.app.push_screen(jobs)
        await until(pilot, lambda: jobs.is_current and bool(jobs.query(StatusLine)))
        await until(pilot, lambda: "too early" in lower(pilot))


async def test_a_screen_that_is_gone_takes_no_harm_from_what_comes_late(bench: Bench) -> None:
    async with bench.shown() as pilot:
        await shown_frame(pilot, "J", Jobs)
        jobs = frame(pilot)
        await pilot.press("escape")
        await until(pilot, lambda: not jobs.is_attached)

        jobs.say("too late")
        jobs.settle()
        jobs.tick()
        assert "too late" not in lower(pilot)


async def test_before_the_core_is_open_asking_says_so(bench: Bench) -> None:
    bench.opens = asyncio.Event()
    console = bench.console()
    async with console.run_test(size=(80, 24)) as pilot:
        await pilot.pause()

        with pytest.raises(Unreachable, match="the core is not open yet") as refused:
            await frame(pilot).ask("node.list", {})
        assert refused.value.hint
        bench.opens.set()


async def test_keys_typed_before_the_core_is_open_start_and_break_nothing(bench: Bench) -> None:
    bench.opens = asyncio.Event()
    console = bench.console()
    async with console.run_test(size=(80, 24)) as pilot:
        await type_text(pilot, "jkGg xofyryv\r")
        assert isinstance(pilot.app.screen, Fleet | RunForm)
        await pilot.press("escape", "escape", "5", "2", "J", "escape")
        bench.opens.set()
        await until(pilot, lambda: bool(console.desk.situation.nodes))
        await until(pilot, lambda: isinstance(pilot.app.screen, Fleet))

        assert "NORMAL" in lower(pilot)
    assert bench.door.started == [] and bench.sent == []


async def test_the_pane_one_is_in_is_marked_also_under_a_screen_of_its_own(bench: Bench) -> None:
    async with bench.shown() as pilot:
        for key, mode, _ in PANES:
            await pilot.press(key)
            await until(pilot, lambda mode=mode: marked(pilot) == mode)  # type: ignore[misc]
            await shown_frame(pilot, "question_mark", Help)
            assert marked(pilot) == mode
            await pilot.press("escape")


def marked(pilot: Pilot[int]) -> str:
    """The pane that is marked."""
    line = pilot.app.screen.query_one("#panes", ToneLine)
    return next(text.split()[1].lower() for text, tone in line._left if tone == "here")


async def test_the_keys_shown_are_those_of_what_has_the_focus(bench: Bench) -> None:
    async with bench.shown() as pilot:
        assert "x run" in upper(pilot)
        await pilot.press("slash")
        await until(pilot, lambda: "FILTER" in lower(pilot))
        assert "x run" not in upper(pilot) and "Enter accept" in upper(pilot)
        await pilot.press("escape")
        await until(pilot, lambda: "x run" in upper(pilot))

        assert "NORMAL" in lower(pilot)


@pytest.mark.parametrize("size", [(80, 24), (30, 8), (200, 60)])
@pytest.mark.parametrize("key", ["j", "J", "5", "question_mark", "enter", "x", "o"])
async def test_every_screen_fits_every_terminal_line_by_line(
    bench: Bench, size: tuple[int, int], key: str
) -> None:
    async with bench.shown(size) as pilot:
        await pilot.press(key)
        await pilot.pause()
        lines = picture(pilot)

    assert [len(line) for line in lines] == [size[0]] * size[1]
    assert lines[0].rstrip().endswith("03:09Z")
    assert lines[-1].split()[0] in ("NORMAL", "FORM", "ANSWER", "FILTER")


@pytest.mark.parametrize("key", ["j", "J", "5", "question_mark", "enter", "o"])
async def test_in_ascii_no_screen_draws_another_sign(bench: Bench, key: str) -> None:
    bench.glyphs = ASCII
    async with bench.shown((120, 40)) as pilot:
        await pilot.press(key)
        await pilot.pause()

        assert [line for line in picture(pilot) if not line.isascii()] == []


@pytest.mark.parametrize("key", ["j", "J", "5", "question_mark", "enter", "o"])
async def test_without_colour_the_words_are_the_same(
    bench: Bench, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def seen() -> list[str]:
        async with bench.shown() as pilot:
            await pilot.press(key)
            await pilot.pause()
            return picture(pilot)

    coloured = await seen()
    monkeypatch.setenv("NO_COLOR", "1")

    assert await seen() == coloured


async def test_while_nothing_happens_nothing_is_painted(bench: Bench, monkeypatch: Any) -> None:
    async with bench.shown() as pilot:
        painted: list[str] = []
        for kind in (HeaderLine, StatusLine, ToneLine):
            monkeypatch.setattr(
                kind, "refresh", lambda self, *regions, **options: painted.append(type(self).__name__)
            )
        frame(pilot).settle()
        frame(pilot).tick()
        frame(pilot).absorb(frozenset())

        assert painted == []


async def test_what_is_copied_on_one_screen_is_said_on_the_one_in_front_by_then(bench: Bench) -> None:
    async with bench.shown() as pilot:
        pilot.app.screen.post_message(CopyWanted("web-1", "1 name"))
        await shown_frame(pilot, "J", Jobs)
        await until(pilot, lambda: bench.sent == ["web-1"])
