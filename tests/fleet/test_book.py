"""What is under way, by command and by node."""

from __future__ import annotations

from tests.fleet.delivery_driver import FIRST, NODE, SECOND, command

from devopsclaw.fleet.book import Book
from devopsclaw.fleet.entry import Entry
from devopsclaw.model.state import State


def test_a_session_is_made_once_when_it_is_first_asked_for() -> None:
    book = Book()

    assert book.find_session(NODE) is None
    session = book.session(NODE)
    assert book.session(NODE) is session
    assert book.find_session(NODE) is session
    assert book.session("n_other") is not session


def test_a_command_that_is_held_is_found_by_its_id_and_at_its_node() -> None:
    book, entry = Book(), Entry(command(), State.PENDING)

    session = book.hold(entry)

    assert book.find(FIRST) is entry
    assert (session.uid, session.entries) == (NODE, {FIRST: entry})
    assert book.find(SECOND) is None


def test_what_has_ended_is_forgotten_and_the_fence_of_its_node_stays() -> None:
    book, ended, other = Book(), Entry(command(), State.SENT), Entry(command(SECOND), State.SENT)
    session = book.hold(ended)
    book.hold(other)
    session.enter(7)

    book.drop(ended)

    assert book.find(FIRST) is None and book.find(SECOND) is other
    assert book.session(NODE) is session
    assert (session.entries, session.epoch) == ({SECOND: other}, 7)
