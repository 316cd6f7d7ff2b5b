"""Words of target expressions, one by one; whole expressions are in test_grammar."""

from __future__ import annotations

import pytest

from devopsclaw.fleet.atoms import named, number, pattern, prefixed
from devopsclaw.fleet.expression import (
    Addressed,
    Atom,
    Compared,
    Comparison,
    Condition,
    Everyone,
    Grouped,
    Has,
    Named,
    Outcome,
    Ran,
    Standing,
)
from devopsclaw.model.errors import Misused


@pytest.mark.parametrize(
    ("word", "atom"),
    [("all", Everyone()), ("@eu", Grouped("eu")), ("web*", Named("web*")), ("web[1-2]", Named("web[1-2]"))],
)
def test_a_word_is_a_name_a_group_or_all(word: str, atom: Atom) -> None:
    assert named(word) == atom


@pytest.mark.parametrize(
    ("word", "atom"),
    [
        ("env:prod", Compared("env", Comparison.EQUAL, "prod")),
        ("has:fact.os.name", Has("fact.os.name")),
        ("ip:fe80::1", Addressed("fe80::1/128")),
        ("run:last:timeout", Ran("last", Outcome.TIMEOUT)),
        ("state:drained", Standing(Condition.DRAINED)),
    ],
)
def test_a_prefix_says_what_kind_of_atom_it_is(word: str, atom: Atom) -> None:
    assert prefixed(word) == atom


@pytest.mark.parametrize("word", ["and", "or", "not", "in", "@all", "a+b", "web[1-2]?", "web[x]"])
def test_a_word_that_cannot_be_a_name_is_refused(word: str) -> None:
    with pytest.raises(Misused):
        named(word)


@pytest.mark.parametrize("word", ["x:y", "has:", "ip:", "ip:10.0.0.0/99", "run:X-1:", "state:", "env:a*"])
def test_a_prefix_with_nonsense_behind_it_is_refused(word: str) -> None:
    with pytest.raises(Misused):
        prefixed(word)


def test_numbers_are_finite_and_patterns_come_back_unchanged() -> None:
    assert number("-1.5") == -1.5
    assert pattern("web.*") == "web.*"
    for wrong in ("x", "", "inf", "nan"):
        with pytest.raises(Misused):
            number(wrong)
