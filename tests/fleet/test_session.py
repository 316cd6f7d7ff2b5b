"""The fence around a node's session."""

from __future__ import annotations

from devopsclaw.fleet.session import NodeSession


def test_only_frames_of_the_live_epoch_are_taken_each_once_and_in_order() -> None:
    session = NodeSession("n_a")
    session.enter(3)

    assert session.takes(3, 10)
    assert not session.takes(3, 10)
    assert not session.takes(3, 9)
    assert not session.takes(2, 11)
    assert not session.takes(4, 11)
    assert session.takes(3, 11)
    assert not session.has_gap


def test_a_missing_number_is_noticed() -> None:
    session = NodeSession("n_a")
    session.enter(3)
    session.takes(3, 10)

    assert session.takes(3, 12)
    assert session.has_gap


def test_a_session_that_begins_before_our_eyes_begins_with_one() -> None:
    session = NodeSession("n_a")
    session.enter(3)
    session.enter(4)

    assert session.takes(4, 2)
    assert session.has_gap


def test_a_session_that_goes_on_keeps_its_numbers() -> None:
    session = NodeSession("n_a")
    session.enter(3)
    session.takes(3, 10)
    session.is_connected = False
    session.enter(3)

    assert not session.takes(3, 10)
    assert session.takes(3, 11)


def test_there_is_a_question_even_about_nothing() -> None:
    assert list(NodeSession("n_a").positions()) == [[]]
