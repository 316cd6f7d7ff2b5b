"""The cursor over a spill file."""

from __future__ import annotations

from devopsclaw.daemon.output import Cursor
from devopsclaw.model.headers import CREDIT_WINDOW
from devopsclaw.wire.frames import MAX_BODY


def test_no_more_is_readable_than_is_there_granted_and_fits_a_frame() -> None:
    cursor = Cursor("stdout")
    assert cursor.readable() == 0

    cursor.grow(10)
    assert cursor.readable() == 10
    cursor.grow(10**9)
    assert cursor.readable() == MAX_BODY
    cursor.sent = CREDIT_WINDOW - 3
    assert cursor.readable() == 3


def test_nothing_is_readable_while_a_read_is_out() -> None:
    cursor = Cursor("stdout", length=10, is_reading=True)

    assert cursor.readable() == 0


def test_a_length_and_a_grant_only_grow() -> None:
    cursor = Cursor("stdout")
    cursor.grow(10)
    cursor.grow(5)
    cursor.grant(1)

    assert (cursor.length, cursor.limit) == (10, CREDIT_WINDOW)


def test_reading_stops_at_a_gap_and_goes_on_behind_it() -> None:
    cursor = Cursor("stdout")
    cursor.skip(4, 9)
    cursor.grow(12)

    assert cursor.readable() == 4
    cursor.sent = 4
    assert cursor.pass_gaps() == [(4, 9)]
    assert cursor.pass_gaps() == []
    assert cursor.readable() == 3


def test_gaps_that_touch_are_one() -> None:
    cursor = Cursor("stdout")
    for end in range(10, 1000, 10):
        cursor.skip(end - 10, end)

    assert cursor.gaps == [(0, 990)]


def test_a_gap_that_grows_is_told_as_it_grows() -> None:
    cursor = Cursor("stdout")
    cursor.skip(0, 5)
    first = cursor.pass_gaps()
    cursor.skip(5, 9)

    assert (first, cursor.pass_gaps()) == ([(0, 5)], [(5, 9)])


def test_a_rewind_into_a_gap_tells_its_rest_again() -> None:
    cursor = Cursor("stdout")
    cursor.skip(0, 9)
    cursor.pass_gaps()
    cursor.rewind(4)

    assert cursor.pass_gaps() == [(4, 9)]


def test_a_rewind_grants_a_window_from_there() -> None:
    cursor = Cursor("stdout")
    cursor.rewind(1000)

    assert (cursor.sent, cursor.limit) == (1000, 1000 + CREDIT_WINDOW)


def test_what_a_file_has_lost_is_a_gap() -> None:
    cursor = Cursor("stdout", sent=3, length=10)
    cursor.lose_rest()

    assert cursor.pass_gaps() == [(3, 10)]
