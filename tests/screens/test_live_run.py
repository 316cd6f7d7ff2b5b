"""A run put together from events."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.screens.fake_core import Execution

from devopsclaw.model.events import CallStarted, NodeMoved, NodePrinted, RunEnded, RunPlanned
from devopsclaw.model.execution import NodeResult
from devopsclaw.model.plan import Plan
from devopsclaw.model.risk import Effect
from devopsclaw.model.state import State
from devopsclaw.screens.live_run import KEEP_PER_STREAM, LiveRun, Tail


def planned(*names: str) -> LiveRun:
    """A run on these nodes, nothing sent yet."""
    live = LiveRun("c")
    live.absorb(
        CallStarted("c", "fleet.exec", "maria", Plan(operation="fleet.exec", effect=Effect.READ), "E-1")
    )
    live.absorb(RunPlanned("c", "X-1", "uptime", names))
    return live


def printed(live: LiveRun, node: str, text: str, offset: int = 0, stream: str = "stdout") -> None:
    """The node prints."""
    live.absorb(NodePrinted("c", "X-1", node, stream, offset, text.encode()))


def moved(live: LiveRun, node: str, state: State, code: int | None = None) -> None:
    """The node's part moves."""
    live.absorb(NodeMoved("c", "X-1", node, state, code))


def result(**given: object) -> Execution:
    """A result of two nodes, one of them still running."""
    items = [NodeResult(node="a", status=State.OK), NodeResult(node="b", status=State.RUNNING)]
    fields: dict[str, object] = {
        "run": "X-1",
        "command": "uptime",
        "target": "a or b",
        "status": "running",
        "exit_code": 8,
        "entry": "E-1",
        "counts": {"running": 1, "ok": 1},
        "folds": [],
        "items": items,
    }
    return Execution.model_validate({**fields, **given})


def test_before_the_gate_let_it_through_nothing_has_begun() -> None:
    live = LiveRun("c")

    assert not live.has_begun and not live.is_running
    assert planned("a").has_begun and planned("a").is_running


def test_every_node_of_the_plan_is_counted_from_the_start() -> None:
    assert planned("a", "b").counts() == {"pending": 2}


def test_nodes_fold_by_state_code_and_all_they_printed() -> None:
    live = planned("a", "b", "c", "d")
    for name in "abc":
        printed(live, name, "same\n")
        moved(live, name, State.OK, 0)
    printed(live, "d", "other\n")
    moved(live, "c", State.FAILED, 1)

    assert sorted((fold.nodes, fold.status.value) for fold in live.folds()) == [
        ("a,b", "ok"),
        ("c", "failed"),
        ("d", "pending"),
    ]


def test_standard_error_counts_too() -> None:
    live = planned("a", "b")
    printed(live, "a", "x", stream="stderr")
    printed(live, "b", "x", stream="stdout")

    assert len(live.folds()) == 2


def test_a_long_stream_keeps_its_end_and_says_what_is_not_shown() -> None:
    tail = Tail(limit=20)
    tail.take(0, b"first line is long\nsecond line\nthird\n")

    assert tail.text() == "[17 bytes before this are not on screen while it runs]\nsecond line\nthird\n"


def test_nodes_that_differ_only_in_what_is_no_longer_kept_do_not_fold() -> None:
    live = planned("a", "b")
    for name, start in (("a", "x"), ("b", "y")):
        printed(live, name, start + "-" * KEEP_PER_STREAM * 2)

    assert len(live.folds()) == 2


@given(st.lists(st.binary(min_size=1, max_size=20), max_size=20), st.integers(1, 100))
@settings(deadline=None, max_examples=100)
def test_pieces_that_come_twice_are_added_once(pieces: list[bytes], limit: int) -> None:
    once, twice, offset = Tail(limit), Tail(limit), 0
    for piece in pieces:
        once.take(offset, piece)
        twice.take(offset, piece)
        twice.take(offset, piece)
        offset += len(piece)

    assert (once.kept, once.total, once.mark) == (twice.kept, twice.total, twice.mark)
    assert once.kept == b"".join(pieces)[-limit:]
    assert once.missed == 0


def test_a_hole_in_the_output_is_known() -> None:
    live = planned("a")
    printed(live, "a", "b\n", offset=5)

    assert live.missed


def test_events_that_were_dropped_are_known() -> None:
    live = planned("a")
    live.dropped += 3

    assert live.missed


def test_escapes_are_harmless_in_what_is_shown() -> None:
    live = planned("a")
    printed(live, "a", "\x1b[2Jgone")

    assert "\x1b" not in live.folds()[0].stdout


def test_the_result_is_the_truth() -> None:
    live = planned("a", "b", "c")
    live.settle(result(exit_code=0, counts={"ok": 2}, items=[]))

    assert live.counts() == {"ok": 2}
    assert not live.is_running and live.is_settled
    assert (live.run, live.entry, live.command, live.target) == ("X-1", "E-1", "uptime", "a or b")


def test_a_result_that_is_not_over_shows_what_still_runs() -> None:
    live = LiveRun("")
    live.settle(result())

    assert live.is_running
    assert [(fold.status, fold.nodes) for fold in live.folds()] == [(State.RUNNING, "b")]
    assert live.states() == {"a": "ok", "b": "running"}


def test_the_end_of_a_run_started_elsewhere_is_its_exit_code() -> None:
    live = planned("a")
    moved(live, "a", State.OK, 0)
    live.absorb(RunEnded("c", "X-1", 0, {"ok": 1}))

    assert live.exit_code == 0 and not live.is_running
