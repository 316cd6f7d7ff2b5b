"""Folded node names, with ClusterShell's NodeSet as the oracle."""

from __future__ import annotations

import time

import pytest
from ClusterShell.NodeSet import RESOLVER_NOGROUP, NodeSet
from hypothesis import given, settings
from hypothesis import strategies as st

from devopsclaw.model.errors import BadTarget
from devopsclaw.model.nodeset import MAX_NAMES, fold, unfold

NUMBERS = st.one_of(
    st.integers(0, 120).map(str),
    st.integers(0, 12).map(lambda number: f"{number:02}"),
    st.integers(95, 105).map(lambda number: f"{number:03}"),
)
SHAPES = st.sampled_from(
    ["web{0}", "prod-web-{0}", "db", "dc{0}n{1}", "{0}.rack{1}.eu", "a{0}b{1}c{2}", "10.0.{0}.{1}"]
)
NAMES = st.builds(lambda shape, *numbers: shape.format(*numbers), SHAPES, NUMBERS, NUMBERS, NUMBERS)
SETS_OF_NAMES = st.lists(NAMES, max_size=40)


def oracle(text: str) -> set[str]:
    """What ClusterShell reads out of the same text."""
    return set(NodeSet(text, resolver=RESOLVER_NOGROUP))


@settings(deadline=None)
@given(SETS_OF_NAMES)
def test_unfolding_gives_back_what_was_folded(names: list[str]) -> None:
    folded = fold(names)

    assert (unfold(folded) if folded else []) == sorted(set(names))


@settings(deadline=None)
@given(SETS_OF_NAMES)
def test_clustershell_reads_the_folded_text_as_the_same_nodes(names: list[str]) -> None:
    assert oracle(fold(names)) == set(names)


@settings(deadline=None)
@given(SETS_OF_NAMES.filter(bool))
def test_what_clustershell_folds_unfolds_here(names: list[str]) -> None:
    written = str(NodeSet.fromlist(names, resolver=RESOLVER_NOGROUP))

    assert unfold(written) == sorted(set(names))


@settings(deadline=None)
@given(SETS_OF_NAMES)
def test_the_order_of_the_names_does_not_matter(names: list[str]) -> None:
    assert fold(reversed(names)) == fold(names) == fold(names + names)


@pytest.mark.parametrize(
    ("names", "folded"),
    [
        ([], ""),
        (["prod-web-2", "prod-web-1"], "prod-web-[1-2]"),
        ([f"web{number:02}" for number in range(1, 8)] + ["db2"], "db2,web[01-07]"),
        (["web8", "web9", "web10", "web12"], "web[8-10,12]"),
        (["web08", "web09", "web10"], "web[08-10]"),
        (["web9", "web09", "web10"], "web[9,09-10]"),
        (["a1b1", "a1b2", "a2b1", "a2b2"], "a[1-2]b[1-2]"),
        (["a1b1", "a2b2"], "a1b1,a2b2"),
        (["1", "2"], "[1-2]"),
        (["local"], "local"),
    ],
)
def test_names_fold_as_people_expect(names: list[str], folded: str) -> None:
    assert fold(names) == folded


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("web[01-20/6]", ["web01", "web07", "web13", "web19"]),
        ("web[1,3]-eu,db", ["db", "web1-eu", "web3-eu"]),
        ("dc[1-2]n[1-2]", ["dc1n1", "dc1n2", "dc2n1", "dc2n2"]),
        ("web[1-3,2-4]", ["web1", "web2", "web3", "web4"]),
    ],
)
def test_folded_text_is_read_as_clustershell_reads_it(text: str, names: list[str]) -> None:
    assert unfold(text) == names
    assert oracle(text) == set(names)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "a name is missing at column 1"),
        (",", "a name is missing at column 1"),
        ("a,,b", "a name is missing at column 3"),
        ("a,", "a name is missing at column 3"),
        ("a b", "unexpected ' ' at column 2"),
        ("web[1-3", "unexpected '[' at column 4"),
        ("web]", "unexpected ']' at column 4"),
        ("web[]", "'' is no number or range"),
        ("web[a-b]", "'a-b' is no number or range"),
        ("web[3-1]", "3-1 is no range"),
        ("web[01-100]", "01-100 is no range"),
        ("web[1-05]", "1-05 is no range"),
        ("web[1-9/0]", "1-9/0 is no range"),
    ],
)
def test_text_that_is_no_node_set_is_refused_with_its_place(text: str, complaint: str) -> None:
    with pytest.raises(BadTarget) as refused:
        unfold(text)

    assert complaint in refused.value.message


@pytest.mark.parametrize(
    "text",
    [
        "web[1-999999999999]",
        "a[1-1000]b[1-1000]",
        f"a[1-{MAX_NAMES}],b",
        f"a[1-{MAX_NAMES},{MAX_NAMES + 1}-{2 * MAX_NAMES}]",
    ],
)
def test_more_names_than_any_fleet_has_are_refused_before_they_are_made(text: str) -> None:
    with pytest.raises(BadTarget, match="more than 100,000 names"):
        unfold(text)


def test_ten_thousand_names_fold_and_unfold_fast() -> None:
    names = sorted(f"rack{number // 40:03}-web-{number % 40:02}" for number in range(10_000))
    started = time.process_time()

    folded = fold(names)
    back = unfold(folded)

    assert folded == "rack[000-249]-web-[00-39]"
    assert back == names
    assert time.process_time() - started < 1.0
