"""Time as a service."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devopsclaw.core.clock import ManualClock, SystemClock, stamp


def test_the_machines_clock_tells_the_time_and_never_goes_back() -> None:
    clock = SystemClock()

    assert abs(clock.wall() - time.time()) < 1
    assert clock.steady() <= clock.steady()


def test_a_manual_clock_moves_only_when_told() -> None:
    clock = ManualClock(100.0)

    assert (clock.wall(), clock.steady()) == (100.0, 100.0)
    clock.advance(2.5)
    assert (clock.wall(), clock.steady()) == (102.5, 102.5)


@pytest.mark.parametrize(
    ("wall", "text"),
    [
        (0.0, "1970-01-01T00:00:00.000Z"),
        (1_800_000_000.0, "2027-01-15T08:00:00.000Z"),
        (1_800_000_000.25, "2027-01-15T08:00:00.250Z"),
        (951_782_400.999, "2000-02-29T00:00:00.999Z"),
    ],
)
def test_a_stamp_is_rfc_3339_in_utc_with_milliseconds(wall: float, text: str) -> None:
    assert stamp(wall) == text


@settings(deadline=None)
@given(st.floats(0, 4e9), st.floats(0, 4e9))
def test_stamps_sort_like_the_times_and_read_back(one: float, other: float) -> None:
    if one <= other:
        assert stamp(one) <= stamp(other)
    back = datetime.fromisoformat(stamp(one))
    assert back.tzinfo == UTC
    assert abs(back.timestamp() - one) < 0.0011, "cut to milliseconds"
