"""Folds and the summary."""

from __future__ import annotations

from typing import Any

import pytest

from devopsclaw.cli.folds import counts_text, folds_text, leftovers_text, summary_text


def fold(**more: Any) -> dict[str, Any]:
    """A fold of two nodes that answered well."""
    return {
        "nodes": "prod-web-[1-2]",
        "count": 2,
        "status": "ok",
        "exit_code": 0,
        "reason": "",
        "stdout": "up 3 days\n",
        "stderr": "",
        **more,
    }


def text(*folds: dict[str, Any]) -> str:
    """The folds with a bullet as mark."""
    return folds_text(folds, lambda word: f"● {word}")


def test_a_fold_is_a_heading_and_its_output() -> None:
    assert text(fold()) == "── prod-web-[1-2] (2) ● ok exit 0\nup 3 days\n"


def test_failing_folds_come_last_whatever_their_size() -> None:
    failed = fold(nodes="big", count=40, status="failed", exit_code=1)

    assert text(failed, fold()).index("prod-web") < text(failed, fold()).index("big")


def test_errors_stand_under_their_label_behind_the_output() -> None:
    assert text(fold(stdout="half", stderr="broken")).endswith("exit 0\nhalf\nstderr:\nbroken\n")


def test_errors_alone_need_no_label() -> None:
    assert text(fold(stdout="", stderr="broken\n")).endswith("exit 0\nbroken\n")


def test_a_node_without_an_exit_code_says_why() -> None:
    heading = text(fold(status="unknown", exit_code=None, reason="interrupted", stdout=""))

    assert heading == "── prod-web-[1-2] (2) ● unknown (interrupted)\n"


def test_a_silent_command_is_its_heading() -> None:
    assert text(fold(stdout="")) == "── prod-web-[1-2] (2) ● ok exit 0\n"


def test_nodes_with_processes_left_have_a_line_each() -> None:
    items = [
        {"node": "prod-web-1", "left": ["1234 sleep", "1235 sh"], "survivors": []},
        {"node": "prod-web-2", "left": [], "survivors": []},
        {"node": "prod-web-3", "left": [], "survivors": ["77 dd"]},
    ]

    assert leftovers_text(items) == (
        "prod-web-1 left running: 1234 sleep, 1235 sh\nprod-web-3 could not be stopped: 77 dd\n"
    )


def test_where_nothing_is_left_nothing_is_said() -> None:
    assert leftovers_text([{"node": "prod-web-1"}]) == leftovers_text([]) == ""


@pytest.mark.parametrize(
    ("counts", "line"),
    [
        ({"ok": 1}, "1 node: 1 ok"),
        ({"ok": 2, "failed": 1}, "3 nodes: 2 ok, 1 failed"),
        ({}, "0 nodes: nothing to do"),
    ],
)
def test_counts_are_a_sentence(counts: dict[str, int], line: str) -> None:
    assert counts_text(counts) == line


def test_the_summary_names_run_entry_and_time() -> None:
    body = {"run": "X-31", "entry": "E-8840", "duration": 0.41, "counts": {"ok": 2, "failed": 1}}

    assert summary_text(body) == "3 nodes: 2 ok, 1 failed  X-31  E-8840  0.4s"


def test_a_run_that_goes_on_was_last_heard_of() -> None:
    body = {"run": "X-31", "last_heard": "2026-11-22T03:12:07.000Z", "counts": {"running": 1}}

    assert summary_text(body) == "1 node: 1 running  X-31  last heard 2026-11-22T03:12:07.000Z"


def test_a_run_that_goes_on_has_no_duration() -> None:
    assert (
        summary_text({"run": "X-31", "duration": None, "counts": {"running": 1}}) == "1 node: 1 running  X-31"
    )
