"""Tables as text."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devopsclaw.cli.table import cells, cut, shown, table_lines

COLUMNS = [("node", "name"), ("status", "status"), ("os", "facts.os")]


def lines(items: list[dict[str, Any]], width: int = 0) -> list[str]:
    """The table of these items; states are marked with an asterisk."""
    return list(table_lines(items, COLUMNS, lambda word: f"* {word}", width))


def test_columns_line_up_under_an_upper_case_header() -> None:
    found = lines(
        [{"name": "a", "status": "online", "facts": {"os": "linux"}}, {"name": "long-name", "status": "late"}]
    )

    assert found == ["NODE       STATUS    OS", "a          * online  linux", "long-name  * late    -"]


def test_an_empty_list_is_its_header() -> None:
    assert lines([]) == ["NODE  STATUS  OS"]


def test_only_a_field_of_state_is_marked() -> None:
    assert lines([{"name": "online", "status": "online"}])[1].startswith("online  * online")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"),
        ("", "-"),
        ([], "-"),
        ({}, "-"),
        (0, "0"),
        (False, "no"),
        (True, "yes"),
        (1.5, "1.5"),
        (["a", "b"], "a,b"),
        ({"env": "prod", "role": "web"}, "env=prod,role=web"),
        ("a\nb\x1b[2J", "a␊b␛[2J"),
        ({"a\tb": "\x9b"}, "a␉b=<U+009B>"),
        (["a\r\n", "\u202e"], "a␊,<U+202E>"),
    ],
)
def test_a_value_is_one_line(value: object, text: str) -> None:
    assert shown(value) == text


def test_wide_characters_take_two_cells_and_colours_none() -> None:
    assert cells("\x1b[31m漢字\x1b[0m") == 4
    assert cells("é") == cells("e\u0301") == 1


def test_a_line_is_cut_only_where_it_does_not_fit() -> None:
    assert cut("abcdef", 6) == "abcdef"
    assert cut("abcdefg", 6) == "abcde…"
    assert cut("\x1b[31mabcdefg\x1b[0m", 6) == "\x1b[31mabcde\x1b[0m…"


def test_a_table_is_whole_without_a_width_and_fits_with_one() -> None:
    items = [{"name": "n" * 300, "status": "ok", "facts": {"os": "linux"}}]

    assert "n" * 300 in lines(items)[1]
    assert all(cells(line) <= 80 for line in lines(items, 80))


@settings(max_examples=100, deadline=None)
@given(st.text(), st.integers(min_value=1, max_value=40))
def test_a_cut_line_never_takes_more_than_its_width(text: str, width: int) -> None:
    assert cells(cut(shown(text), width)) <= width


@settings(max_examples=50, deadline=None)
@given(st.lists(st.fixed_dictionaries({"name": st.text(), "status": st.sampled_from(["ok", "x"])})))
def test_every_item_is_exactly_one_line(items: list[dict[str, Any]]) -> None:
    assert len(lines(items)) == len(items) + 1
