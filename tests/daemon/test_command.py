"""One command as the machine holds it: to the journal and back, and the words for its end."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.daemon.node_driver import FIRST, NOW, offer, offered

from devopsclaw.daemon.admission import KEPT_AFTER
from devopsclaw.daemon.command import (
    Command,
    Settled,
    command_of,
    journal_fields,
    offer_of,
    report_of,
    settled_of,
)
from devopsclaw.daemon.effects import JournalState, Outcome, Row
from devopsclaw.daemon.voice import Voice
from devopsclaw.model.errors import Damaged
from devopsclaw.model.headers import Report, Standing
from devopsclaw.model.state import State
from devopsclaw.wire.frames import encode

OFFER, SEALED = offered(timeout=7.0, grace=3.0)
SIGNATURE = str(offer(timeout=7.0, grace=3.0).header["signature"])
REPORT = Report(
    status=State.OK,
    exit_code=0,
    stdout_length=100,
    stderr_length=7,
    gaps=(("stdout", 40, 90), ("stderr", 0, 5)),
)


def row(state: JournalState, **changes: Any) -> Row:
    """A row as the journal gives it back: through JSON."""
    fields = {**journal_fields(SEALED, SIGNATURE, OFFER), **changes}
    return Row(FIRST, state, json.loads(json.dumps(fields)))


# To the journal and back


def test_an_accepted_command_comes_back_as_it_was_signed() -> None:
    found = row("accepted")

    assert offer_of(found) == OFFER
    assert found.fields["signature"] == SIGNATURE
    assert settled_of(found) == Settled(OFFER.digest, NOW.wall + 60 + KEPT_AFTER)


@pytest.mark.parametrize(
    ("state", "phase"),
    [("accepted", Standing.STARTING), ("starting", Standing.STARTING), ("running", Standing.RUNNING)],
)
def test_a_command_without_an_end_comes_back_alive_with_its_limits(
    state: JournalState, phase: Standing
) -> None:
    command = command_of(row(state))

    assert (command.phase, command.is_live, command.is_seen) == (phase, True, False)
    assert (command.timeout, command.grace, command.deadline) == (7.0, 3.0, None)
    assert command.epoch == 0, "in the next session nobody has asked about it yet"


def test_why_it_is_being_stopped_outlives_a_restart() -> None:
    assert command_of(row("running", stop="cancel")).stop == "cancel"
    assert command_of(row("running")).stop == ""


def test_a_finished_command_comes_back_with_its_report_and_all_its_output_to_send() -> None:
    command = command_of(row("finished", **REPORT.as_fields()))

    assert (command.report, command.phase, command.is_live) == (REPORT, Standing.FINISHED, False)
    assert (command.stdout.length, command.stderr.length) == (100, 7)
    assert command.stdout.readable() == 40, "up to the gap"


@pytest.mark.parametrize(
    ("state", "changes"),
    [
        ("running", {"envelope": "{}"}),
        ("running", {"envelope": None}),
        ("running", {"work": "{}"}),
        ("starting", {"purge_at": "soon"}),
        ("acked", {"purge_at": None}),
        ("acked", {"purge_at": [1]}),
        ("finished", {"status": "splendid"}),
        ("finished", {"status": "ok", "stdout_length": -1}),
        ("finished", {"status": "ok", "gaps": [["stdin", 0, 1]]}),
    ],
)
def test_a_row_that_makes_no_sense_is_damage_and_names_its_command(
    state: JournalState, changes: dict[str, Any]
) -> None:
    with pytest.raises(Damaged, match=f"row of command {FIRST} cannot be read") as damaged:
        command_of(row(state, **changes))

    assert "set the journal aside" in damaged.value.hint


# The end


def test_an_end_stops_the_clock_and_leaves_only_sending() -> None:
    command = Command(FIRST, "d", Standing.RUNNING, 1.0, deadline=5.0)
    command.finish(REPORT)

    assert (command.deadline, command.is_live, command.phase) == (None, False, Standing.FINISHED)
    assert command.cursor("stderr").pass_gaps() == [(0, 5)]
    command.cursor("stdout").sent = 40
    assert command.cursor("stdout").pass_gaps() == [(40, 90)]


def test_a_length_that_was_told_too_long_is_corrected_by_the_end() -> None:
    """What was seen may be gone at the end: bytes that the report does not count are never asked for."""
    command = Command(FIRST, "d", Standing.RUNNING, 1.0)
    command.stdout.grow(500)
    command.finish(REPORT)

    assert command.stdout.length == 100


@pytest.mark.parametrize(
    ("outcome", "stop", "status"),
    [
        (Outcome(exit_code=0), "", State.OK),
        (Outcome(exit_code=1), "", State.FAILED),
        (Outcome(signal=9), "", State.FAILED),
        (Outcome(signal=15), "timeout", State.TIMED_OUT),
        (Outcome(signal=15), "cancel", State.KILLED),
        (Outcome(exit_code=0), "cancel", State.KILLED),
        (Outcome(exit_code=0), "timeout", State.TIMED_OUT),
        (Outcome(reason="no room"), "cancel", State.FAILED),
        (Outcome(expired=True), "cancel", State.EXPIRED),
        (Outcome(interrupted=True), "timeout", State.UNKNOWN),
        (Outcome(interrupted=True, exit_code=0), "", State.UNKNOWN),
    ],
)
def test_being_stopped_outweighs_the_exit_code_but_not_that_nobody_knows(
    outcome: Outcome, stop: Any, status: State
) -> None:
    assert report_of(outcome, stop).status is status


def test_what_nobody_knows_is_called_interrupted() -> None:
    assert report_of(Outcome(interrupted=True, reason="a long story"), "").reason == "interrupted"


@settings(deadline=None, max_examples=20)
@given(st.sampled_from(["\x01", "🦀", "\\", '"']), st.integers(0, 120), st.integers(0, 5000))
def test_whatever_is_left_its_report_fits_a_frame(character: str, count: int, length: int) -> None:
    names = tuple(f"4242 {character * length}" for _ in range(count))
    outcome = Outcome(exit_code=0, left=names, survivors=names, reason=character * length)

    report = report_of(outcome, "")

    encode(Voice("n_web1", 1.0).done(FIRST, report).frame)
    assert len(report.left) == min(count, 51)
    assert count <= 50 or report.left[-1] == f"and {count - 50} more"
