"""One command under way: what is held of its output, compared with what its node reports."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from tests.fleet.delivery_driver import FIRST, command

from devopsclaw.fleet.entry import Entry
from devopsclaw.model.headers import Report
from devopsclaw.model.state import State


def holding(stdout: bytes = b"", stderr: bytes = b"") -> Entry:
    """A command of which this is held."""
    entry = Entry(command(), State.RUNNING)
    entry.stdout.take(0, stdout)
    entry.stderr.take(0, stderr)
    return entry


def reported(stdout: bytes = b"", stderr: bytes = b"", **fields: Any) -> Report:
    """What its node says it printed."""
    printed = {
        "stdout_length": len(stdout),
        "stderr_length": len(stderr),
        "stdout_sha256": hashlib.sha256(stdout).hexdigest(),
        "stderr_sha256": hashlib.sha256(stderr).hexdigest(),
    }
    return Report(**{"status": State.OK, **printed, **fields})


def test_an_entry_has_the_id_of_its_command_and_both_streams_of_its_own() -> None:
    entry, other = Entry(command(), State.PENDING), Entry(command(), State.PENDING)

    assert entry.id == FIRST
    assert (entry.kept("stdout"), entry.kept("stderr")) == (entry.stdout, entry.stderr)
    assert len({id(kept) for one in (entry, other) for kept in (one.stdout, one.stderr)}) == 4


@pytest.mark.parametrize(
    ("stdout", "stderr", "is_all"),
    [(b"out", b"err", True), (b"ou", b"err", False), (b"out", b"er", False), (b"out", b"err!", True)],
)
def test_nothing_is_missing_when_both_streams_are_as_long_as_reported(
    stdout: bytes, stderr: bytes, is_all: bool
) -> None:
    assert holding(stdout, stderr).holds_all(reported(b"out", b"err")) is is_all


@pytest.mark.parametrize(
    ("stdout", "stderr", "is_same"),
    [
        (b"out", b"err", True),
        (b"oUt", b"err", False),
        (b"out", b"eRr", False),
        (b"out!", b"err", False),
        (b"out", b"err!", False),
        (b"err", b"out", False),
    ],
)
def test_the_same_is_the_same_bytes_on_each_stream(stdout: bytes, stderr: bytes, is_same: bool) -> None:
    assert holding(stdout, stderr).holds_the_same(reported(b"out", b"err")) is is_same


def test_a_gap_counts_for_the_length_and_not_for_the_hash() -> None:
    entry = holding(b"head")
    entry.stdout.skip(4, 100)
    report = reported(b"head", stdout_length=100)

    assert entry.holds_all(report) and entry.holds_the_same(report)
