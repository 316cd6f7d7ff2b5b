"""The tree of a target expression: its print, and the states behind its words."""

from __future__ import annotations

from devopsclaw.fleet.expression import (
    And,
    Compared,
    Comparison,
    Condition,
    Everyone,
    Named,
    Not,
    Or,
    Outcome,
    Sliced,
    parts_of,
    quoted,
    slashed,
)
from devopsclaw.model.state import LIVE, Link, State


def test_parentheses_are_printed_where_the_meaning_needs_them() -> None:
    a, b, c = Named("a"), Named("b"), Named("c")

    assert str(Or((And((a, b)), c))) == "a and b or c"
    assert str(And((Or((a, b)), c))) == "(a or b) and c"
    assert str(Or((a, Or((b, c))))) == "a or (b or c)"
    assert str(Not(Or((a, b)))) == "not (a or b)"
    assert str(Sliced(a, None, 2)) == "(a)[:2]"


def test_values_are_quoted_and_slashes_escaped_only_where_they_must_be() -> None:
    assert quoted("web") == "web"
    assert quoted('a "b" \\') == '"a \\"b\\" \\\\"'
    assert slashed("a/b") == "/a\\/b/"
    assert slashed("a\\.b") == "/a\\.b/"


def test_the_parts_of_a_compound_can_be_walked() -> None:
    a, b = Named("a"), Compared("env", Comparison.EQUAL, "prod")

    assert parts_of(And((a, b))) == parts_of(Or((a, b))) == (a, b)
    assert parts_of(Not(a)) == parts_of(Sliced(a, 0, 1)) == (a,)
    assert parts_of(Everyone()) == ()


def test_the_outcomes_share_no_state_and_cover_what_the_exit_codes_tell_apart() -> None:
    states = [state for outcome in Outcome for state in outcome.states]

    assert len(states) == len(set(states))
    assert set(State) - set(states) == LIVE | {State.CANCELLED, State.SKIPPED}


def test_the_conditions_are_the_words_of_the_link_and_drained() -> None:
    assert {each.value for each in Condition} == {link.value for link in Link} | {"drained"}
