"""Lengths of time as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devopsclaw.model.duration import LONGEST, UNITS, seconds
from devopsclaw.model.errors import BadParams


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("10s", 10.0),
        ("10", 10.0),
        ("1.5m", 90.0),
        ("2h", 7200.0),
        ("1d", 86400.0),
        ("250ms", 0.25),
        (" 5m ", 300.0),
        ("0", 0.0),
    ],
)
def test_a_length_is_a_number_and_a_unit(text: str, length: float) -> None:
    assert seconds(text, "--timeout") == length


@pytest.mark.parametrize(
    "text", ["", " ", "soon", "-1s", "1 h", "1h30m", "s", "1w", "1e3", ".5s", "nan", "inf", "10S", "٣s"]
)
def test_what_is_no_length_is_an_error_that_names_the_flag(text: str) -> None:
    with pytest.raises(BadParams) as refused:
        seconds(text, "--delay")

    assert refused.value.message == f"--delay {text!r} is no length of time"
    assert refused.value.hint == "write it as 10s, 5m or 2h"


def test_a_length_of_more_than_a_year_is_a_slip() -> None:
    assert seconds("365d", "--timeout") == LONGEST
    with pytest.raises(BadParams):
        seconds("366d", "--timeout")


@settings(deadline=None, max_examples=100)
@given(st.text(max_size=12))
def test_any_text_is_a_length_or_the_error(text: str) -> None:
    try:
        length = seconds(text, "--timeout")
    except BadParams:
        return
    assert 0 <= length <= LONGEST


@settings(deadline=None, max_examples=100)
@given(st.integers(0, 300), st.sampled_from(sorted(UNITS)))
def test_units_are_what_they_are_called(number: int, unit: str) -> None:
    assert seconds(f"{number}{unit}", "--timeout") == pytest.approx(number * UNITS[unit])
