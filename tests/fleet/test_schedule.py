"""The order of dispatch, driven by a virtual clock and a random world."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devopsclaw.fleet.schedule import Schedule
from devopsclaw.model.errors import BadParams

NODES = [f"web{number}" for number in range(9)]


@dataclass
class World:
    """Plays a schedule to its end: each node runs for its own time, then ends well or not."""

    durations: list[float]
    failing: set[int] = field(default_factory=set)
    starts: list[tuple[float, str]] = field(default_factory=list)
    ends: list[tuple[float, str]] = field(default_factory=list)
    most_at_once: int = 0

    def play(self, schedule: Schedule) -> World:
        """Until nothing more starts; time jumps to the next thing that happens."""
        now, running = 0.0, dict[str, float]()
        while True:
            for node in schedule.ready(now):
                self.starts.append((now, node))
                running[node] = now + self.durations[NODES.index(node)]
            self.most_at_once = max(self.most_at_once, len(running))
            assert schedule.running == set(running)
            pause = schedule.pause(now)
            moments = [*running.values(), *([now + pause] if pause is not None else [])]
            if not moments:
                assert schedule.is_over
                return self
            now = min(moments)
            for node in sorted(name for name, end in running.items() if end <= now):
                del running[node]
                self.ends.append((now, node))
                schedule.ended(node, NODES.index(node) not in self.failing, now)


WORLDS = st.builds(
    World,
    st.lists(st.sampled_from([0.0, 0.5, 1.0, 3.0]), min_size=9, max_size=9),
    st.sets(st.integers(0, 8)),
)


@settings(deadline=None)
@given(WORLDS, st.integers(1, 12))
def test_each_node_starts_exactly_once_in_order_and_never_too_many_at_once(world: World, most: int) -> None:
    world.play(Schedule(NODES, parallel=most))

    assert [node for _, node in world.starts] == NODES
    assert world.most_at_once <= most


@settings(deadline=None)
@given(WORLDS, st.sampled_from([0.0, 0.7, 10.0]))
def test_one_at_a_time_with_the_pause_that_was_asked_for(world: World, delay: float) -> None:
    world.play(Schedule(NODES, parallel=5, serial=True, delay=delay))

    assert [node for _, node in world.starts] == [node for _, node in world.ends] == NODES
    assert world.most_at_once == 1
    for (ended, _), (started, _) in zip(world.ends, world.starts[1:], strict=False):
        assert started == pytest.approx(ended + delay)


@settings(deadline=None)
@given(WORLDS, st.integers(1, 4), st.integers(0, 5))
def test_after_too_many_failures_nothing_more_starts(world: World, most: int, budget: int) -> None:
    schedule = Schedule(NODES, parallel=most, max_failures=budget)
    world.play(schedule)

    failed = [NODES.index(node) in world.failing for _, node in world.ends]
    assert sum(failed) <= budget + most
    assert schedule.is_stopped == (sum(failed) > budget)
    if sum(failed) <= budget:
        assert len(world.starts) == len(NODES)


@settings(deadline=None)
@given(st.integers(0, 9), st.integers(1, 4))
def test_after_a_cancel_nothing_more_starts_and_the_rest_is_named(before: int, most: int) -> None:
    schedule = Schedule(NODES, parallel=most)
    started: list[str] = []
    while len(started) < before:
        fresh = schedule.ready(0.0)
        started += fresh
        for node in fresh:
            schedule.ended(node, True, 0.0)

    dropped = schedule.cancel()

    assert [*started, *dropped] == NODES
    assert schedule.ready(1e9) == []
    assert schedule.is_over


def test_what_ends_twice_or_never_started_frees_no_second_place() -> None:
    schedule = Schedule(NODES, parallel=2)
    schedule.ready(0.0)

    schedule.ended("web0", True, 1.0)
    schedule.ended("web0", True, 1.0)
    schedule.ended("web8", False, 1.0)

    assert schedule.ready(1.0) == ["web2"]
    assert schedule.running == {"web1", "web2"}


def test_it_says_how_long_to_wait() -> None:
    schedule = Schedule(NODES[:2], parallel=1, serial=True, delay=10.0)

    assert schedule.pause(0.0) == 0.0
    assert schedule.ready(0.0) == ["web0"]
    assert schedule.pause(1.0) is None
    schedule.ended("web0", True, 4.0)
    assert schedule.ready(13.9) == []
    assert schedule.pause(13.9) == pytest.approx(0.1)
    assert schedule.ready(14.0) == ["web1"]


def test_a_node_named_twice_starts_once() -> None:
    assert Schedule(["web0", "web0"], parallel=5).ready(0.0) == ["web0"]


@pytest.mark.parametrize(
    ("parallel", "serial", "delay"), [(0, False, 0.0), (-1, True, 0.0), (1, False, 5.0), (1, True, -1.0)]
)
def test_settings_without_meaning_are_refused(parallel: int, serial: bool, delay: float) -> None:
    with pytest.raises(BadParams):
        Schedule(NODES, parallel=parallel, serial=serial, delay=delay)
