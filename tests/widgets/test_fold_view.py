"""Folds on screen."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.widgets.conftest import Host, lines_of

from devopsclaw.model.execution import Fold
from devopsclaw.model.state import State
from devopsclaw.widgets.fold_view import FoldView, odd_first, silence
from devopsclaw.widgets.glyphs import ASCII


def fold(status: State, *names: str, **given: object) -> Fold:
    """A fold of these nodes."""
    code = {State.OK: 0, State.FAILED: 1}.get(status)
    fields: dict[str, object] = {"id": 1, "exit_code": code, "nodes": ",".join(names), "count": len(names)}
    return Fold.model_validate({**fields, "status": status, "names": list(names), **given})


OK = fold(State.OK, "web-1", "web-3", stdout="fine\nreally\n")
BAD = fold(State.FAILED, "web-2", stderr="no space left\n")
BUSY = fold(State.RUNNING, "web-4")


def test_failures_come_before_what_runs_and_that_before_what_is_well() -> None:
    assert odd_first([OK, BUSY, BAD]) == [BAD, BUSY, OK]


def test_of_two_failures_the_smaller_group_comes_first() -> None:
    many = fold(State.FAILED, "a", "b", "c")

    assert odd_first([many, BAD]) == [BAD, many]


def test_an_unknown_outcome_comes_before_a_cancelled_one() -> None:
    unknown, cancelled = fold(State.UNKNOWN, "b"), fold(State.CANCELLED, "a")

    assert odd_first([cancelled, unknown]) == [unknown, cancelled]


@given(st.lists(st.tuples(st.sampled_from(list(State)), st.integers(1, 5)), max_size=8))
@settings(deadline=None, max_examples=60)
def test_no_fold_is_lost_by_sorting(shapes: list[tuple[State, int]]) -> None:
    folds = [
        fold(state, *(f"n{index}-{number}" for number in range(count)))
        for index, (state, count) in enumerate(shapes)
    ]

    assert sorted(each.nodes for each in odd_first(folds)) == sorted(each.nodes for each in folds)


async def test_what_failed_is_open_and_what_is_well_is_folded(host: Host) -> None:
    view = FoldView()
    async with host(view):
        view.show([OK, BAD])
        shown = lines_of(view)

    assert shown[0] == "> ▾ ✖ failed    exit 1      1 node  web-2"
    assert shown[1] == "  ! │ no space left"
    assert shown[2] == "  ▸ ● ok        exit 0     2 nodes  web-1,web-3  fine"


async def test_a_lone_fold_is_open(host: Host) -> None:
    view = FoldView()
    async with host(view):
        view.show([OK])

        assert [line.strip() for line in lines_of(view)[1:3]] == ["│ fine", "│ really"]


async def test_enter_opens_and_closes_where_the_cursor_stands(host: Host) -> None:
    view = FoldView()
    async with host(view) as pilot:
        view.show([OK, BAD])
        await pilot.press("j", "enter")
        closed = lines_of(view)
        await pilot.press("j", "enter")
        opened = lines_of(view)

    assert closed[0].startswith("> ▸ ✖ failed")
    assert [line.strip() for line in opened[1:4]] == [
        "> ▾ ● ok        exit 0     2 nodes  web-1,web-3".strip(),
        "│ fine",
        "│ really",
    ]


async def test_what_a_person_opened_stays_open_while_output_comes(host: Host) -> None:
    view = FoldView()
    async with host(view) as pilot:
        view.show([OK, BAD])
        await pilot.press("e")
        grown = OK.model_copy(update={"stdout": "fine\nreally\nand more\n"})
        view.show([grown, BAD])

        assert any("and more" in line for line in lines_of(view))


async def test_long_lines_are_wrapped_not_cut(host: Host) -> None:
    view = FoldView()
    async with host(view, (30, 12)):
        view.show([fold(State.OK, "a", stdout="x" * 40 + "\n")])

        assert [line.strip() for line in lines_of(view)[1:3]] == ["│ " + "x" * 23, "┆ " + "x" * 17]


async def test_escapes_in_output_are_shown_and_have_no_power(host: Host) -> None:
    view = FoldView()
    async with host(view):
        view.show([fold(State.OK, "a", stdout="\x1b[31mred\x1b[0m\ta\n")])

        assert lines_of(view)[1] == "    │ ␛[31mred␛[0m    a"


@pytest.mark.parametrize(
    ("state", "is_over", "said"),
    [
        (State.RUNNING, False, "no output yet"),
        (State.PENDING, False, "no output yet"),
        (State.RUNNING, True, "no output came"),
        (State.OK, False, "ended without output"),
        (State.FAILED, True, "ended without output"),
        (State.KILLED, True, "ended without output"),
        (State.UNREACHABLE, True, "no output"),
        (State.CANCELLED, True, "no output"),
        (State.UNKNOWN, True, "no output came; how it ended is not known"),
    ],
)
async def test_no_output_says_so_and_whether_more_may_come(
    host: Host, state: State, is_over: bool, said: str
) -> None:
    view = FoldView()
    async with host(view):
        view.show([fold(state, "a")], is_over=is_over)

        assert lines_of(view)[1].strip() == said


@pytest.mark.parametrize("state", list(State))
def test_nothing_more_is_promised_of_a_run_that_is_over(state: State) -> None:
    assert "yet" not in silence(fold(state, "a"), True)


async def test_a_flood_is_cut_on_screen_with_the_rest_counted(host: Host) -> None:
    view = FoldView()
    async with host(view) as pilot:
        view.show([fold(State.OK, "a", stdout="line\n" * 6000)])
        await pilot.press("G")

        assert lines_of(view)[-1].strip() == ">     1000 more lines are on record"


async def test_in_ascii_every_sign_is_ascii(host: Host) -> None:
    view = FoldView(ASCII)
    async with host(view):
        view.show([OK, BAD, BUSY])

        assert all(line.isascii() for line in lines_of(view))


async def test_a_closed_fold_shows_its_first_line_with_its_columns_moved_together(host: Host) -> None:
    wide = fold(State.OK, "web-1", stdout="tmpfs            16M  4.0K   16M   1% /srv\n")
    full = fold(State.OK, "web-2", stdout="tmpfs            16M   16M     0 100% /srv\nmore\n")
    view = FoldView()
    async with host(view):
        view.show([wide, full])
        lines = lines_of(view)

    assert lines[1].rstrip().endswith("tmpfs 16M 16M 0 100% /srv")
