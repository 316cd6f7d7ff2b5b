"""How a stream is known again: by its first bytes, in this life and in the next."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devopsclaw.host.track import HEAD, MARK, NOTE, Track, unpack


def looked(track: Track, path: Path) -> Track:
    """The track after a look at the file."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return track.look(descriptor)
    finally:
        os.close(descriptor)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file that a command prints into, as it is made."""
    file = tmp_path / "c.stdout"
    file.write_bytes(MARK)
    return file


def append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


def test_a_new_file_has_a_mark_and_no_output(path: Path) -> None:
    track = looked(Track(), path)

    assert (track.length, track.size, track.was_emptied) == (0, len(MARK), False)


def test_a_file_that_grows_is_the_same_file(path: Path) -> None:
    append(path, b"one")
    first = looked(Track(), path)
    append(path, b"two")

    second = looked(first, path)
    assert (first.length, second.length, second.base) == (3, 6, -len(MARK))


@pytest.mark.parametrize(
    "content",
    [b"", b"short", b"x" * len(MARK), b"longer than all that was there before"],
    ids=["nothing", "less", "as much", "more"],
)
def test_an_emptied_file_goes_on_behind_what_was_seen_however_long_it_is(path: Path, content: bytes) -> None:
    append(path, b"lost")
    seen = looked(Track(), path)
    path.write_bytes(content)

    track = looked(seen, path)
    assert (track.base, track.length, track.was_emptied) == (4, 4 + len(content), True)


@pytest.mark.parametrize("second", [b"step 2\n", b"step 2 and more\n", b""])
def test_a_file_without_a_mark_is_known_by_what_was_printed(path: Path, second: bytes) -> None:
    path.write_bytes(b"step 1\n")
    first = looked(Track(), path)
    path.write_bytes(second)

    track = looked(first, path)
    assert (first.base, first.length) == (0, 7)
    assert (track.base, track.length) == (7, 7 + len(second))


def test_what_is_behind_the_first_bytes_is_not_looked_at(path: Path) -> None:
    """It may be punched out, and reading all of it each time would cost too much."""
    append(path, b"x" * 2 * HEAD)
    seen = looked(Track(), path)
    with path.open("r+b") as file:
        file.seek(HEAD)
        file.write(bytes(HEAD))

    assert looked(seen, path) == looked(Track(), path)


def test_what_was_lost_is_in_front_of_the_end(path: Path) -> None:
    append(path, b"unreadable")

    track = looked(Track(), path).lose()

    assert (track.base, track.length, track.size) == (10, 10, 0)


@settings(deadline=None)
@given(st.integers(0, 2**53), st.integers(0, 2**53), st.binary(max_size=3))
def test_a_note_holds_all_that_a_later_life_needs(base: int, more: int, behind: bytes) -> None:
    track = Track(base, base + more, 7)

    assert unpack(track.packed() + behind) == track


@pytest.mark.parametrize("note", [b"", b"\1", bytes(NOTE.size), bytes(2 * NOTE.size)])
def test_without_a_note_the_file_is_a_new_one(note: bytes) -> None:
    assert unpack(note) == Track()
