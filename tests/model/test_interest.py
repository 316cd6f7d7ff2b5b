"""Which events a listener wants."""

from __future__ import annotations

import pytest

from devopsclaw.core.bus import Gap
from devopsclaw.model.events import NodeMoved, NodeSeen, RunEnded, Warned
from devopsclaw.model.interest import ALWAYS, EVERYTHING, Interest
from devopsclaw.model.state import State

MINE = NodeMoved("c1", "X-31", "a", State.OK)
SAME_RUN = NodeMoved("c2", "X-31", "a", State.OK)
OTHER = NodeMoved("c2", "X-9", "a", State.OK)
SEEN = NodeSeen("a", "online", 0.0)


def test_without_a_bound_everything_is_wanted() -> None:
    assert all(EVERYTHING.wants(each) for each in (MINE, OTHER, SEEN, Gap(1)))


@pytest.mark.parametrize(
    ("interest", "wanted"),
    [
        (Interest.of(NodeMoved), [MINE, SAME_RUN, OTHER]),
        (Interest.of(NodeSeen, RunEnded), [SEEN]),
        (Interest(calls=frozenset({"c1"})), [MINE, SEEN]),
        (Interest(runs=frozenset({"X-31"})), [MINE, SAME_RUN, SEEN]),
        (Interest(calls=frozenset({"c2"}), runs=frozenset({"X-31"})), [MINE, SAME_RUN, OTHER, SEEN]),
        (Interest(frozenset({"NodeMoved"}), frozenset({"c1"})), [MINE]),
    ],
)
def test_what_is_wanted_is_within_each_bound(interest: Interest, wanted: list[object]) -> None:
    assert [each for each in (MINE, SAME_RUN, OTHER, SEEN) if interest.wants(each)] == wanted


def test_an_event_without_a_call_is_everybody_s() -> None:
    assert Interest(calls=frozenset({"c1"})).wants(Warned("x"))
    assert not Interest(frozenset({"NodeMoved"}), frozenset({"c1"})).wants(Warned("x"))


def test_nobody_can_do_without_a_gap() -> None:
    assert frozenset({Gap.__name__}) == ALWAYS
    assert Interest(frozenset({"NodeMoved"}), frozenset({"c1"})).wants(Gap(3))
