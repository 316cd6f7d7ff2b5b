"""What is held of one stream."""

from __future__ import annotations

import hashlib

import pytest

from devopsclaw.fleet.stream import Hole, Kept
from devopsclaw.model.headers import CREDIT_WINDOW, EMPTY_SHA256


def test_a_new_stream_is_empty_and_has_a_window() -> None:
    kept = Kept()

    assert (kept.offset, kept.granted, kept.sha256) == (0, CREDIT_WINDOW, EMPTY_SHA256)


def test_only_new_bytes_are_taken() -> None:
    kept = Kept()

    assert kept.take(0, b"hello") == b"hello"
    assert kept.take(0, b"hello") == b""
    assert kept.take(2, b"llo you") == b" you"
    assert kept.sha256 == hashlib.sha256(b"hello you").hexdigest()


@pytest.mark.parametrize("start", [1, 100])
def test_bytes_and_gaps_behind_a_hole_are_refused(start: int) -> None:
    kept = Kept()

    with pytest.raises(Hole):
        kept.take(start, b"x")
    with pytest.raises(Hole):
        kept.skip(start, start + 1)


def test_a_gap_from_the_beginning_takes_back_what_is_here() -> None:
    kept = Kept()
    kept.take(0, b"lost")

    assert kept.skip(0, 4) == (0, 4)
    assert kept.skip(0, 4) is None, "told again"
    kept.take(4, b"kept")
    assert (kept.offset, kept.sha256) == (8, hashlib.sha256(b"kept").hexdigest())

    assert kept.skip(0, 9) == (0, 9)
    assert (kept.offset, kept.sha256) == (9, EMPTY_SHA256)


def test_only_the_new_part_of_a_gap_counts() -> None:
    kept = Kept()
    kept.take(0, b"hello")

    assert kept.skip(1, 5) is None
    assert kept.skip(3, 9) == (5, 9)
    assert kept.take(9, b"x") == b"x"
    assert kept.sha256 == hashlib.sha256(b"hellox").hexdigest()


def test_the_window_opens_again_when_half_of_it_is_used() -> None:
    kept = Kept()
    kept.take(0, b"x" * (CREDIT_WINDOW // 2 - 1))
    assert not kept.grant()

    kept.take(kept.offset, b"x")

    assert kept.grant()
    assert kept.granted == kept.offset + CREDIT_WINDOW
    assert not kept.grant()


def test_a_stored_stream_goes_on_where_it_was() -> None:
    kept = Kept.of([b"he", b"llo"], skipped=3)

    assert kept.offset == 8
    assert kept.take(8, b"!") == b"!"
    assert kept.sha256 == hashlib.sha256(b"hello!").hexdigest()


def test_a_reconcile_grants_a_whole_window_and_takes_none_back() -> None:
    kept = Kept.of([b"x" * CREDIT_WINDOW])

    kept.grant_all()
    granted = kept.granted
    kept.grant_all()

    assert granted == kept.granted == 2 * CREDIT_WINDOW
