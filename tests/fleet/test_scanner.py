"""The cursor: what it takes, and how it points at a column."""

from __future__ import annotations

import re

import pytest

from devopsclaw.fleet.scanner import Scanner
from devopsclaw.model.errors import BadParams, BadTarget

WORD = re.compile(r"\w+")


def test_it_takes_what_matches_with_the_space_behind_it() -> None:
    scanner = Scanner("  one \t two", "target")

    first, second, third = scanner.take(WORD), scanner.take(WORD), scanner.take(WORD)

    assert first and first[0] == "one"
    assert second and second[0] == "two"
    assert third is None
    assert scanner.next == ""


def test_it_skips_only_the_character_that_is_there() -> None:
    scanner = Scanner("( x", "target")

    assert not scanner.skip(")")
    assert scanner.skip("(")
    assert scanner.next == "x"
    assert not Scanner("", "target").skip("x")


def test_a_refusal_gets_the_column_and_keeps_its_hint_and_cause() -> None:
    def refuse(text: str) -> str:
        raise BadParams(f"{text} is bad", hint="do better")

    with pytest.raises(BadTarget) as refused:
        Scanner("one two", "--tag").checked(4, refuse, "two")

    assert refused.value.message == "--tag, column 5: two is bad\n  one two\n      ^"
    assert refused.value.hint == "do better"
    assert isinstance(refused.value.__cause__, BadParams)


def test_for_a_blank_text_there_is_no_picture() -> None:
    assert Scanner(" ", "target").error("expected a target").message == "target, column 2: expected a target"
