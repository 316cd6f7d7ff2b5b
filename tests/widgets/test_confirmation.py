"""When a key counts as a yes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devopsclaw.widgets.confirmation import QUIET, Answer, Ask, Confirmation

KEYS = st.sampled_from(
    ["y", "n", "7", "2", "enter", "space", "escape", "tab", "up", "down", "backspace", "p", "r", "colon", "3"]
)
CHARACTERS = {"colon": ":", "enter": "\r", "space": " ", "tab": "\t"}


def character(key: str) -> str:
    """What the key types."""
    return CHARACTERS.get(key, key if len(key) == 1 else "")


def press(asked: Confirmation, *keys: str, at: float = 1.0) -> list[Answer]:
    """Keys at this time, one right after the other."""
    return [asked.press(key, character(key), at + number / 1000) for number, key in enumerate(keys)]


@given(
    ask=st.sampled_from(list(Ask)),
    keys=st.lists(st.tuples(KEYS, st.floats(0, QUIET - 0.01)), max_size=60),
)
@settings(deadline=None, max_examples=200)
def test_no_burst_of_keys_ever_answers_yes(ask: Ask, keys: list[tuple[str, float]]) -> None:
    asked = Confirmation(ask, last_key=0.0, digit="7", phrase="prod:3")
    now = 0.0
    for key, pause in keys:
        now += pause
        assert asked.press(key, character(key), now) is not Answer.YES


@given(ask=st.sampled_from([Ask.YES, Ask.DIGIT, Ask.PHRASE]), keys=st.lists(KEYS, max_size=30))
@settings(deadline=None, max_examples=200)
def test_enter_space_and_escape_never_answer_however_long_one_waits(ask: Ask, keys: list[str]) -> None:
    asked = Confirmation(ask, last_key=0.0, digit="7", phrase="prod:3")
    for number, key in enumerate(keys, start=1):
        answer = asked.press(key, character(key), number * 10.0)
        if key in ("enter", "space", "escape"):
            assert answer is not Answer.YES


@given(keys=st.lists(KEYS, max_size=30))
@settings(deadline=None, max_examples=200)
def test_a_high_risk_is_answered_only_by_y_and_then_the_digit(keys: list[str]) -> None:
    asked = Confirmation(Ask.DIGIT, last_key=0.0, digit="7")
    for number, key in enumerate(keys, start=1):
        answer = asked.press(key, character(key), number * 10.0)
        if answer is Answer.YES:
            assert keys[number - 2 : number] == ["y", "7"]
        if answer is not Answer.NOTHING:
            break


def test_half_a_second_without_a_key_arms() -> None:
    asked = Confirmation(Ask.YES, last_key=0.0)

    assert not asked.is_armed(QUIET - 0.001)
    assert asked.is_armed(QUIET)
    assert press(asked, "y") == [Answer.YES]


def test_a_key_before_that_begins_the_quiet_time_anew() -> None:
    asked = Confirmation(Ask.YES, last_key=0.0)

    assert press(asked, "y", at=0.3) == [Answer.NOTHING]
    assert press(asked, "y", at=0.7) == [Answer.NOTHING]
    assert press(asked, "y", at=1.3) == [Answer.YES]


def test_the_digit_follows_the_y_at_once() -> None:
    assert press(Confirmation(Ask.DIGIT, 0.0, digit="7"), "y", "7") == [Answer.NOTHING, Answer.YES]


@pytest.mark.parametrize("wrong", ["y", "8", "enter", "space"])
def test_anything_but_the_digit_takes_the_y_back(wrong: str) -> None:
    asked = Confirmation(Ask.DIGIT, 0.0, digit="7")

    assert press(asked, "y", wrong, "7") == [Answer.NOTHING] * 3
    assert press(asked, "7", at=9.0) == [Answer.NOTHING]


def test_the_phrase_is_typed_and_needs_no_enter() -> None:
    asked = Confirmation(Ask.PHRASE, 0.0, phrase="prod:3")

    assert press(asked, "p", "r", "x", "backspace", "o", "d", "colon", "3")[-1] is Answer.YES


def test_a_phrase_with_blanks_around_it_is_not_the_phrase() -> None:
    asked = Confirmation(Ask.PHRASE, 0.0, phrase="prod:3")

    assert press(asked, "p", "space", "enter")[-1] is Answer.NOTHING
    assert asked.typed == "p"


def test_enter_starts_what_needs_no_yes_after_the_quiet_time() -> None:
    assert press(Confirmation(Ask.GO, 0.0), "enter", at=0.2) == [Answer.NOTHING]
    assert press(Confirmation(Ask.GO, 0.0), "enter") == [Answer.YES]
    assert press(Confirmation(Ask.GO, 0.0), "y") == [Answer.NOTHING]


def test_nothing_counts_until_all_of_the_plan_was_on_screen() -> None:
    asked = Confirmation(Ask.YES, 0.0, seen=False)

    assert press(asked, "y") == [Answer.NOTHING]
    asked.seen = True
    assert press(asked, "y", at=9.0) == [Answer.YES]


def test_escape_goes_back_at_any_time_and_n_when_it_counts() -> None:
    assert press(Confirmation(Ask.DIGIT, 0.0), "escape", at=0.1) == [Answer.NO]
    assert press(Confirmation(Ask.DIGIT, 0.0), "n", at=0.1) == [Answer.NOTHING]
    assert press(Confirmation(Ask.DIGIT, 0.0), "n") == [Answer.NO]


def test_a_terminal_that_was_just_switched_to_is_disturbed() -> None:
    asked = Confirmation(Ask.YES, 0.0)
    asked.disturb(1.0)

    assert press(asked, "y", at=1.2) == [Answer.NOTHING]
