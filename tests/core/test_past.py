"""Moments in the past, as people give them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devopsclaw.core.clock import stamp
from devopsclaw.core.past import past
from devopsclaw.model.errors import BadParams

NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("90s", NOW - 90),
        ("90m", NOW - 5400),
        ("24h", NOW - 86_400),
        (" 7d ", NOW - 604_800),
        ("2w", NOW - 1_209_600),
        ("999999999w", 0),
        ("2027-01-15", NOW - 28_800),
        ("2027-01-15T08:00:00Z", NOW),
        ("2027-01-15T09:00:00+01:00", NOW),
        ("2027-01-15T08:00:00", NOW),
    ],
)
def test_ages_and_times_are_read(text: str, moment: float) -> None:
    assert past(text, NOW) == moment


@pytest.mark.parametrize("text", ["", "24", "h", "-1h", "1.5h", "yesterday", "2027-13-01", "1h30m", "٣h"])
def test_what_is_no_time_is_said(text: str) -> None:
    with pytest.raises(BadParams, match="is no time"):
        past(text, NOW)


@given(st.floats(0, 4e9))
def test_the_time_of_an_entry_is_read_to_the_millisecond(wall: float) -> None:
    assert abs(past(stamp(wall), NOW) - wall) < 0.002
