"""The cursor over a spill file."""

from __future__ import annotations

import pytest

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
    for end in range(20, 1000, 10):
        cursor.skip(end - 10, end)

    assert cursor.gaps == [(10, 990)]


def test_a_gap_that_grows_is_told_as_it_grows() -> None:
    cursor = Cursor("stdout")
    cursor.sent = 2
    cursor.skip(2, 5)
    first = cursor.pass_gaps()
    cursor.skip(5, 9)

    assert (first, cursor.pass_gaps()) == ([(2, 5)], [(5, 9)])


def test_a_rewind_into_a_gap_tells_its_rest_again() -> None:
    cursor = Cursor("stdout")
    cursor.sent = 2
    cursor.skip(2, 9)
    cursor.pass_gaps()
    cursor.rewind(4)

    assert cursor.pass_gaps() == [(4, 9)]


def test_a_lost_beginning_is_told_though_it_was_sent_and_before_what_follows() -> None:
    cursor = Cursor("stdout", sent=5, length=5)
    cursor.skip(0, 5)
    cursor.grow(9)

    assert cursor.pass_gaps() == [(0, 5)]
    assert cursor.pass_gaps() == []
    assert (cursor.sent, cursor.readable()) == (5, 4)


def test_a_beginning_that_is_lost_again_takes_back_all_that_was_sent() -> None:
    cursor = Cursor("stdout", sent=5, length=5)
    cursor.skip(0, 5)
    cursor.pass_gaps()
    cursor.sent = 9
    cursor.skip(0, 12)
    cursor.skip(0, 12)

    assert cursor.pass_gaps() == [(0, 12)]
    assert cursor.sent == 12


@pytest.mark.parametrize(
    ("offset", "told"),
    [(0, [(0, 5)]), (3, [(0, 5)]), (5, [(0, 5)]), (6, [])],
    ids=["nothing", "some of it", "all of it", "more, so it was told"],
)
def test_a_controller_that_comes_back_is_told_of_the_loss_unless_it_knows(
    offset: int, told: list[tuple[int, int]]
) -> None:
    cursor = Cursor("stdout", sent=5, length=9)
    cursor.skip(0, 5)
    cursor.pass_gaps()
    cursor.rewind(offset)

    assert cursor.pass_gaps() == told
    assert cursor.sent == max(5, offset)


def test_where_nothing_was_lost_no_rewind_tells_of_it() -> None:
    cursor = Cursor("stdout", sent=5, length=9)
    cursor.rewind(0)

    assert cursor.pass_gaps() == []


def test_a_rewind_grants_a_window_from_there() -> None:
    cursor = Cursor("stdout")
    cursor.rewind(1000)

    assert (cursor.sent, cursor.limit) == (1000, 1000 + CREDIT_WINDOW)


def test_what_a_file_has_lost_is_a_gap() -> None:
    cursor = Cursor("stdout", sent=3, length=10)
    cursor.lose_rest()

    assert cursor.pass_gaps() == [(3, 10)]
