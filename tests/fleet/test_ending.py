"""When commands ended: by their nodes' reports, inside what our own clock allows."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devopsclaw.core.runs import RunEvent
from devopsclaw.fleet.ending import end_of, last_end
from devopsclaw.model.headers import Report
from devopsclaw.model.state import State

SENT, TOLD = 1000.0, 9000.0
"""Somebody looked two hours after it was sent."""
moments = st.floats(min_value=0.0, max_value=20_000.0)


def ran(started_at: float, duration: float) -> Report:
    """A report of a command that ended well."""
    return Report(status=State.OK, started_at=started_at, duration=duration)


@pytest.mark.parametrize(
    ("started_at", "ended"),
    [
        (1002.0, 1007.0),
        (0.0, 1005.0),
        (500.0, 1005.0),
        (8999.0, TOLD),
        (99_000.0, TOLD),
    ],
)
def test_a_nodes_clock_is_believed_between_the_sending_and_its_word(started_at: float, ended: float) -> None:
    assert end_of(State.OK, ran(started_at, 5.0), SENT, TOLD) == ended


def test_a_refusal_ends_it_when_it_comes_and_what_nobody_knows_has_no_end() -> None:
    assert end_of(State.DENIED, None, SENT, TOLD) == TOLD
    assert end_of(State.UNKNOWN, None, SENT, TOLD) == 0.0
    assert end_of(State.UNKNOWN, ran(1002.0, 5.0), SENT, TOLD) == 0.0


@settings(deadline=None)
@given(started_at=moments, duration=moments, told=moments)
def test_no_report_makes_an_end_after_it_was_told(started_at: float, duration: float, told: float) -> None:
    assert end_of(State.OK, ran(started_at, duration), SENT, told) <= told


@settings(deadline=None)
@given(duration=st.floats(0.0, 5000.0), told=st.floats(6100.0, 20_000.0), later=moments)
def test_it_does_not_matter_when_somebody_looked(duration: float, told: float, later: float) -> None:
    report = ran(1001.0, duration)

    assert end_of(State.OK, report, SENT, told) == end_of(State.OK, report, SENT, told + later)


def events(*told: tuple[float, str, str, dict[str, Any]]) -> list[RunEvent]:
    """Events as (time, kind, node, body), in order."""
    return [RunEvent(number, at, kind, node, body) for number, (at, kind, node, body) in enumerate(told)]


def ended(state: str, **report: Any) -> dict[str, Any]:
    """The body of an end."""
    return {"status": state, "reason": "", **({"report": {"status": state, **report}} if report else {})}


OFFERED = {"not_before": SENT}


def test_a_run_ended_with_the_last_of_its_nodes() -> None:
    told = events(
        (1000.0, "sent", "a", OFFERED),
        (1000.0, "sent", "b", OFFERED),
        (1000.1, "accepted", "a", {"at": 1000.1}),
        (TOLD, "ended", "b", ended("failed", started_at=1001.0, duration=70.0)),
        (TOLD, "ended", "a", ended("ok", started_at=1001.0, duration=5.0)),
    )

    assert last_end(told) == 1071.0


def test_what_was_never_sent_takes_no_time() -> None:
    told = events(
        (1000.0, "sent", "a", OFFERED),
        (TOLD, "ended", "b", ended("cancelled")),
        (TOLD, "ended", "a", ended("ok", started_at=1001.0, duration=5.0)),
    )

    assert last_end(told) == 1006.0


def test_a_run_of_which_nothing_is_known_has_no_end() -> None:
    assert last_end([]) == 0.0
    assert (
        last_end(events((1000.0, "sent", "a", OFFERED), (1060.0, "unknown", "a", {"reason": "lost"}))) == 0.0
    )
