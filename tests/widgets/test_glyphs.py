"""Signs and words."""

from __future__ import annotations

from dataclasses import astuple

import pytest
from rich.cells import cell_len

from devopsclaw.model.state import State
from devopsclaw.widgets.glyphs import ASCII, UNICODE, Glyphs, glyphs_for, link_sign, state_sign


@pytest.mark.parametrize("glyphs", [UNICODE, ASCII])
def test_every_sign_is_one_cell_wide(glyphs: Glyphs) -> None:
    assert {cell_len(sign) for sign in astuple(glyphs)} == {1}


def test_the_ascii_set_is_ascii() -> None:
    assert all(sign.isascii() for sign in astuple(ASCII))


@pytest.mark.parametrize(
    ("environment", "glyphs"),
    [
        ({"LANG": "en_US.UTF-8", "TERM": "xterm-256color"}, UNICODE),
        ({"LANG": "C.utf8"}, UNICODE),
        ({"LANG": "C"}, ASCII),
        ({}, ASCII),
        ({"LANG": "C", "LC_CTYPE": "C.UTF-8"}, ASCII),
        ({"LANG": "en_US.UTF-8", "LC_ALL": "POSIX"}, ASCII),
        ({"LANG": "C", "LC_CTYPE": "de_DE.UTF-8"}, UNICODE),
        ({"LANG": "ja_JP.UTF-8"}, ASCII),
        ({"LANG": "en_US.UTF-8", "TERM": "linux"}, ASCII),
    ],
)
def test_the_set_follows_locale_and_terminal(environment: dict[str, str], glyphs: Glyphs) -> None:
    assert glyphs_for(environment) is glyphs


@pytest.mark.parametrize("state", list(State))
def test_every_state_has_sign_word_and_tone(state: State) -> None:
    sign = state_sign(state, UNICODE)

    assert sign.glyph and sign.tone
    assert sign.word == state.value.replace("_", " ")


def test_words_tell_all_states_apart_without_colour() -> None:
    assert len({state_sign(state, ASCII).word for state in State}) == len(State)


def test_being_drained_does_not_hide_that_a_node_is_away() -> None:
    assert link_sign("online", True, UNICODE).word == "drained"
    assert link_sign("offline", True, UNICODE).word == "offline"
