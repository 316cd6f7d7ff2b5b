"""What a run's log says of each node. Pure: events come as values."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devopsclaw.core.runs import Run, RunEvent, RunNode
from devopsclaw.fleet.results import heard, items_of, last_words, state_after, states_of
from devopsclaw.model.state import State


def run(*names: str) -> Run:
    """A run on these nodes."""
    nodes = tuple(RunNode(name, f"n_{name}", f"c_{name}") for name in names)
    return Run("X-1", "X", "c", "E-1", {}, {}, 0.0, None, None, nodes)


def events(*told: tuple[str, str, dict[str, Any]]) -> list[RunEvent]:
    """Events as (kind, node, body), in order."""
    return [RunEvent(number, 0.0, kind, node, body) for number, (kind, node, body) in enumerate(told)]


SENT = ("sent", "a", {"not_before": 1.0})
ACCEPTED = ("accepted", "a", {"at": 2.0})
REPORT = {
    "exit_code": 0,
    "stdout_length": 3,
    "stdout_sha256": "ab" * 32,
    "started_at": 1_800_000_000.0,
    "duration": 0.25,
}
ENDED = ("ended", "a", {"status": "ok", "reason": "", "report": REPORT})


@pytest.mark.parametrize(
    ("told", "state"),
    [
        ([], "pending"),
        ([SENT], "sent"),
        ([SENT, ACCEPTED], "running"),
        ([SENT, ACCEPTED, ("gap", "a", {"stream": "stdout", "start": 1, "end": 2})], "running"),
        ([SENT, ACCEPTED, ("cancelling", "a", {})], "running"),
        ([SENT, ("unknown", "a", {"reason": "link lost"})], "unknown"),
        ([SENT, ("unknown", "a", {"reason": "link lost"}), ENDED], "ok"),
        ([SENT, ACCEPTED, ("damaged", "a", {"reason": "output damaged"})], "unknown"),
        ([("ended", "a", {"status": "skipped", "reason": "drained"})], "skipped"),
    ],
)
def test_the_state_of_a_node_follows_from_its_events(told: list[Any], state: str) -> None:
    assert states_of(run("a", "b"), events(*told)) == {"a": state, "b": "pending"}


def test_an_event_without_meaning_for_the_state_changes_nothing() -> None:
    assert state_after("note", {}, State.RUNNING) is State.RUNNING


def test_a_result_is_the_nodes_report_with_its_output() -> None:
    (item,) = items_of(run("a"), events(SENT, ACCEPTED, ENDED), {("c_a", "stdout"): b"up\n"})

    assert (item.node, item.status, item.exit_code, item.stdout, item.stderr) == ("a", "ok", 0, "up\n", "")
    assert (item.started_at, item.duration) == ("2027-01-15T08:00:00.000Z", 0.25)


def test_a_node_that_may_still_tell_more_was_last_heard_when_it_last_said_something() -> None:
    told: list[tuple[float, str, str, dict[str, Any]]] = [
        (1.0, "sent", "a", {}),
        (1.0, "sent", "b", {}),
        (1.0, "sent", "c", {}),
        (2.0, "accepted", "a", {}),
        (3.0, "accepted", "b", {}),
        (4.0, "gap", "a", {"stream": "stdout", "start": 1, "end": 2}),
        (5.0, "ended", "b", {"status": "ok"}),
        (5.0, "damaged", "d", {"status": "unknown"}),
        (60.0, "cancelling", "a", {}),
        (70.0, "unknown", "a", {"reason": "link lost"}),
    ]
    log = [RunEvent(number, *each) for number, each in enumerate(told)]

    assert heard(run("a", "b", "c", "d"), log) == {"a": 4.0, "c": 0.0}
    assert [item.last_heard for item in items_of(run("a", "b", "c", "d"), log, {})] == [
        "1970-01-01T00:00:04.000Z",
        "",
        "",
        "",
    ]


def test_results_are_in_the_order_of_the_names() -> None:
    items = items_of(run("web10", "api", "db"), [], {})

    assert [item.node for item in items] == ["api", "db", "web10"]


def test_the_truth_replaces_what_was_thought_before() -> None:
    told = events(SENT, ("unknown", "a", {"reason": "link lost"}), ENDED)

    assert last_words(told)["a"]["reason"] == ""
    assert items_of(run("a"), told, {})[0].reason == ""


def test_what_delivery_decided_outweighs_what_the_node_said() -> None:
    body = {"status": "unknown", "reason": "output damaged", "report": {"reason": "fine", "exit_code": 0}}
    (item,) = items_of(run("a"), events(SENT, ("damaged", "a", body)), {})

    assert (item.status, item.reason, item.exit_code) == ("unknown", "output damaged", 0)


def test_what_is_not_shown_is_named_by_length_and_hash() -> None:
    body = {"status": "ok", "report": {"stdout_length": 10, "stdout_sha256": "0123456789abcdef" * 4}}
    (item,) = items_of(run("a"), events(("ended", "a", body)), {("c_a", "stdout"): b"four"})

    assert item.stdout == "four\n[6 more bytes; sha256 0123456789abcdef]\n"


def test_gaps_and_processes_left_are_in_the_result() -> None:
    report = {"gaps": [["stdout", 5, 9]], "left": ["12 sleep"], "survivors": ["13 dd"]}
    (item,) = items_of(run("a"), events(("ended", "a", {"status": "killed", "report": report})), {})

    assert [(gap.stream, gap.start, gap.end) for gap in item.gaps] == [("stdout", 5, 9)]
    assert (item.left, item.survivors) == (["12 sleep"], ["13 dd"])


NASTY = "12 \x1b[2Jsl\nee\tp\u202e"


def test_nothing_that_a_node_says_reaches_the_terminal_as_an_order() -> None:
    report = {"reason": NASTY, "left": [NASTY], "survivors": [NASTY]}
    body = {"status": "failed", "report": report}
    told = events(("ended", "a", body))
    (item,) = items_of(run("a"), told, {("c_a", "stdout"): NASTY.encode(), ("c_a", "stderr"): b"\x9b\xff"})

    shown = "12 ␛[2Jsl ee p<U+202E>"
    assert (item.reason, item.left, item.survivors) == (shown, [shown], [shown])
    assert "\x1b" not in item.stdout and item.stderr == "\ufffd\ufffd"


@settings(deadline=None, max_examples=100)
@given(st.text(), st.binary(max_size=50))
def test_whatever_is_said_is_one_line_without_controls(reason: str, output: bytes) -> None:
    body = {"status": "failed", "report": {"reason": reason}}
    (item,) = items_of(run("a"), events(("ended", "a", body)), {("c_a", "stdout"): output})

    assert "\n" not in item.reason
    assert all(each.isprintable() or each in "\n\t" or ord(each) > 127 for each in item.reason + item.stdout)
