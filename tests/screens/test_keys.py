"""How keys are written."""

from __future__ import annotations

import pytest
from tests.screens.conftest import Bench

from devopsclaw.screens.help import help_lines
from devopsclaw.screens.keys import KeyAction, key_actions, key_name


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("slash", "/"),
        ("question_mark", "?"),
        ("colon", ":"),
        ("ctrl+l", "Ctrl+L"),
        ("enter", "Enter"),
        ("escape", "Esc"),
        ("space", "Space"),
        ("pagedown", "PgDn"),
        ("X", "X"),
        ("x", "x"),
        ("shift+tab", "Shift+Tab"),
    ],
)
def test_keys_are_written_as_people_write_them(key: str, name: str) -> None:
    assert key_name(key) == name


async def test_actions_are_those_of_the_screen_first_and_twins_stand_together(bench: Bench) -> None:
    async with bench.shown() as pilot:
        actions = key_actions(pilot.app.screen)

    by_label = {each.label: each for each in actions}
    assert by_label["detail"].keys == ("Enter", "d")
    assert by_label["run"].operation == "fleet.exec"
    assert [each.place for each in actions] == sorted((each.place for each in actions), reverse=True)


async def test_while_one_types_no_letter_is_a_key(bench: Bench) -> None:
    async with bench.shown() as pilot:
        await pilot.press("slash")
        keys = [key for each in key_actions(pilot.app.screen) for key in each.keys]

    assert all(len(key) > 1 for key in keys)
    assert "Esc" in keys and "Enter" in keys


async def test_help_has_a_line_for_each_action_under_its_place(bench: Bench) -> None:
    async with bench.shown() as pilot:
        actions = key_actions(pilot.app.screen)
    lines = help_lines(actions)

    assert lines[0] == ("HERE", "")
    assert ("EVERYWHERE", "") in lines
    assert ("x", "run                   fleet.exec") in lines
    assert len([line for line in lines if line[1]]) == len(actions)


def test_no_actions_make_no_help() -> None:
    nothing: list[KeyAction] = []

    assert help_lines(nothing) == []
