"""The exit code is a pure function of the states; a node's link is one of its age."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devopsclaw.model.state import (
    LATE_AFTER,
    LIVE,
    LOST_AFTER,
    OFFLINE_AFTER,
    Link,
    State,
    exit_code,
    link_of,
    word_of,
)

STATES = st.lists(st.sampled_from(State), max_size=12)
PRECEDENCE = [7, 5, 8, 1, 6, 4, 13, 0]
"""Design §10, with 8 (still running) where nothing worse can be said for certain."""
CODE_OF = {
    State.UNKNOWN: 7,
    **dict.fromkeys(LIVE, 8),
    State.FAILED: 1,
    State.KILLED: 1,
    State.DENIED: 1,
    State.TIMED_OUT: 6,
    State.UNREACHABLE: 4,
    State.EXPIRED: 4,
    State.CANCELLED: 13,
    State.OK: 0,
    State.SKIPPED: 0,
}


@pytest.mark.parametrize("state", list(State))
def test_one_state_alone_has_the_exit_code_of_the_design(state: State) -> None:
    assert exit_code([state]) == CODE_OF[state]


@settings(deadline=None)
@given(STATES, st.booleans())
def test_the_worst_state_decides_in_the_order_of_the_design(states: list[State], stopped: bool) -> None:
    candidates = {CODE_OF[state] for state in states} | ({5} if stopped else {0})

    assert exit_code(states, stopped=stopped) == min(candidates, key=PRECEDENCE.index)


@settings(deadline=None)
@given(STATES)
def test_neither_order_nor_repetition_of_states_matters(states: list[State]) -> None:
    assert exit_code(states) == exit_code(reversed(states)) == exit_code(states * 3) == exit_code(set(states))


def test_the_exit_code_of_nothing_is_zero() -> None:
    assert exit_code([]) == 0


@settings(deadline=None)
@given(st.lists(st.sampled_from(sorted(set(State) - LIVE)), min_size=1, max_size=6))
def test_a_job_that_nobody_cancelled_has_the_word_of_its_code(states: list[State]) -> None:
    code = exit_code(states)

    assert word_of(code, states) == word_of(code) != "running"


@pytest.mark.parametrize(
    ("states", "word"),
    [
        ([State.KILLED, State.KILLED], "cancelled"),
        ([State.OK, State.KILLED, State.CANCELLED, State.SKIPPED], "cancelled"),
        ([State.CANCELLED], "cancelled"),
        ([State.OK, State.OK], "ok"),
        ([State.KILLED, State.FAILED], "failed"),
        ([State.KILLED, State.DENIED], "failed"),
        ([State.KILLED, State.TIMED_OUT], "failed"),
        ([State.KILLED, State.UNKNOWN], "unknown"),
        ([State.CANCELLED, State.TIMED_OUT], "timed_out"),
    ],
)
def test_what_a_person_stopped_is_cancelled_unless_something_else_went_wrong(
    states: list[State], word: str
) -> None:
    assert word_of(exit_code(states), states, is_cancelled=True) == word


def test_live_states_are_not_final_and_unknown_is() -> None:
    assert {state for state in State if not state.is_final} == LIVE
    assert State.UNKNOWN.is_final


@pytest.mark.parametrize(
    ("age", "connected", "link"),
    [
        (0.0, True, Link.ONLINE),
        (LATE_AFTER - 0.1, True, Link.ONLINE),
        (LATE_AFTER, True, Link.LATE),
        (OFFLINE_AFTER - 0.1, True, Link.LATE),
        (OFFLINE_AFTER, True, Link.OFFLINE),
        (LOST_AFTER - 0.1, True, Link.OFFLINE),
        (LOST_AFTER, True, Link.LOST),
        (0.0, False, Link.OFFLINE),
        (LOST_AFTER, False, Link.LOST),
    ],
)
def test_the_link_word_follows_from_age_and_session(age: float, connected: bool, link: Link) -> None:
    assert link_of(age, connected=connected) is link
