"""Marks of states."""

from __future__ import annotations

import pytest

from devopsclaw.cli.glyphs import is_state, marked
from devopsclaw.model.state import Link, State


@pytest.mark.parametrize("word", [*State, *Link])
def test_every_state_and_link_has_a_mark(word: str) -> None:
    assert is_state(word)
    assert marked(word, ascii_only=False, colored=False).endswith(f" {word}")


@pytest.mark.parametrize("word", [*State, *Link])
def test_marks_for_a_locale_without_utf8_are_ascii(word: str) -> None:
    assert marked(word, ascii_only=True, colored=True).isascii()


def test_colour_adds_and_never_replaces() -> None:
    plain = marked("failed", ascii_only=False, colored=False)

    assert plain == "✖ failed"
    assert marked("failed", ascii_only=False, colored=True) == f"\x1b[31m{plain}\x1b[0m"


def test_another_word_stays_as_it_is() -> None:
    assert marked("role=web", ascii_only=False, colored=True) == "role=web"
