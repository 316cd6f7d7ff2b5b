"""Other names of commands."""

from __future__ import annotations

import pytest
from tests.cli.conftest import CommandLine

from devopsclaw.cli.aliases import ALIASES, HEADLESS, PANES
from devopsclaw.cli.fixed import FIXED


@pytest.mark.parametrize(
    ("alias", "own"),
    [
        (("run", "uptime"), ("fleet", "exec", "uptime")),
        (("node", "ls"), ("node", "list")),
        (("status",), ("status", "show")),
        (("node", "rm", "web-1", "--dry-run"), ("node", "remove", "web-1", "--dry-run")),
    ],
)
def test_an_alias_says_what_its_command_says(
    line: CommandLine, alias: tuple[str, ...], own: tuple[str, ...]
) -> None:
    assert line(*alias) == line(*own)


def test_no_alias_points_at_an_alias() -> None:
    assert not set(ALIASES) & set(ALIASES.values())


def test_a_noun_with_a_default_verb_takes_flags_and_help(line: CommandLine) -> None:
    assert '"schema": "devopsclaw.text/1"' in line("status", "--json").out
    assert "Show what is so." in line("status", "--help").out


def test_each_headless_role_is_a_fixed_command() -> None:
    fixed = {tuple(command["path"]): command["face"] for command in FIXED}

    assert {role: fixed[words] for role, words in HEADLESS.items()} == {role: role for role in HEADLESS}
    assert set(HEADLESS) == {"relay", "daemon", "gateway"}


def test_each_pane_switch_names_a_pane() -> None:
    assert {switch["pane"] for switch in PANES.values()} == {"fleet"}
