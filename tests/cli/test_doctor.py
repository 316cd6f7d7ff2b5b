"""The checkup as it is printed, and what it says of the terminal."""

from __future__ import annotations

import pytest

from devopsclaw.cli.doctor import lines, terminal

GOOD = {"TERM": "xterm-256color", "LANG": "C.UTF-8"}


def found(more: dict[str, str], size: tuple[int, int] = (120, 40)) -> dict[str, str]:
    """Check → its fix; empty where all is well."""
    return {each["check"]: each["fix"] for each in terminal({**GOOD, **more}, size, is_terminal=True)}


def test_a_good_terminal_needs_nothing() -> None:
    assert set(found({}).values()) == {""}


@pytest.mark.parametrize(
    ("check", "size", "more", "fix"),
    [
        ("terminal size", (79, 40), {}, "80 x 24"),
        ("terminal size", (80, 23), {}, "80 x 24"),
        ("terminal colours", (80, 24), {"TERM": "xterm"}, "export TERM="),
        ("terminal colours", (80, 24), {"TERM": "dumb"}, "export TERM="),
        ("terminal letters", (80, 24), {"LANG": "C"}, "export LC_ALL=C.UTF-8"),
        ("terminal letters", (80, 24), {"LC_ALL": "POSIX"}, "export LC_ALL=C.UTF-8"),
        ("tmux", (80, 24), {"TMUX": "/tmp/x"}, "default-terminal tmux-256color"),
    ],
)
def test_what_is_not_good_has_a_line_to_type(
    check: str, size: tuple[int, int], more: dict[str, str], fix: str
) -> None:
    fixes = found(more, size)

    assert fix in fixes[check]
    assert [name for name, text in fixes.items() if text] == [check]


@pytest.mark.parametrize(
    "more",
    [
        {"NO_COLOR": "1", "TERM": "dumb"},
        {"COLORTERM": "truecolor", "TERM": "xterm"},
        {"TMUX": "x", "TERM": "tmux-256color"},
    ],
)
def test_what_was_chosen_is_well(more: dict[str, str]) -> None:
    assert set(found(more).values()) == {""}


def test_without_a_terminal_nothing_is_said_of_it() -> None:
    assert list(terminal(GOOD, (80, 24), is_terminal=False)) == []


ITEMS = [
    {"check": "disk", "status": "ok", "text": "room", "fix": ""},
    {"check": "relay", "status": "warning", "text": "late\x1b[2J", "fix": "look"},
    {"check": "keys", "status": "problem", "text": "open", "fix": "chmod 600 x"},
]


def test_each_line_has_mark_and_word_and_below_it_the_fix() -> None:
    assert list(lines(ITEMS, ascii_only=False, colored=False)) == [
        "✔ ok       disk   room",
        "▲ warning  relay  late␛[2J",
        "  try: look",
        "✖ problem  keys   open",
        "  try: chmod 600 x",
    ]


def test_the_marks_are_ascii_where_the_locale_needs_them() -> None:
    printed = list(lines([ITEMS[0], ITEMS[2]], ascii_only=True, colored=False))

    assert [line[:9] for line in printed] == ["+ ok     ", "x problem", "  try: ch"]


def test_colour_only_adds() -> None:
    (line,) = lines(ITEMS[:1], ascii_only=False, colored=True)

    assert line.startswith("\x1b[32m✔ ok     \x1b[0m")
