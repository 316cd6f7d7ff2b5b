"""What a run's log says of each node, as results. Pure; the log and the output come as arguments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from devopsclaw.core.clock import stamp
from devopsclaw.core.runs import Run, RunEvent
from devopsclaw.model.execution import NodeResult, OutputGap
from devopsclaw.model.state import State
from devopsclaw.model.text import safe

SHOWN = 256 * 1024
"""Bytes of a stream that a result carries; what is longer is named by its length and hash."""

MOVES: Mapping[str, State] = {
    "sent": State.SENT,
    "accepted": State.RUNNING,
    "unknown": State.UNKNOWN,
    "damaged": State.UNKNOWN,
}
"""What an event means for its node; `ended` carries its own word."""

Texts = Mapping[tuple[str, str], bytes]
"""The first `SHOWN` bytes of (command, stream); a stream without output is missing."""


def state_after(kind: str, body: Mapping[str, Any], before: State) -> State:
    """Where a node stands after this event."""
    return State(body["status"]) if kind == "ended" else MOVES.get(kind, before)


def states_of(run: Run, events: Iterable[RunEvent]) -> dict[str, State]:
    """Where each node of the run stands, in the order of the plan."""
    states = {part.node: State.PENDING for part in run.nodes}
    for event in events:
        if event.node is not None:
            states[event.node] = state_after(event.kind, event.body, states[event.node])
    return states


def last_words(events: Iterable[RunEvent]) -> dict[str, dict[str, Any]]:
    """The last event of each node that tells how it ended, or why that is not known: the node's report,
    with the status and reason that delivery gave it.
    """
    telling = ("ended", "unknown", "damaged")
    return {
        event.node: {**event.body.get("report", {}), **event.body}
        for event in events
        if event.node and event.kind in telling
    }


def items_of(run: Run, events: list[RunEvent], texts: Texts) -> list[NodeResult]:
    """The nodes' results, by name."""
    states, words = states_of(run, events), last_words(events)
    found = [
        _item(part.node, states[part.node], words.get(part.node, {}), _texts(part.command, texts))
        for part in run.nodes
    ]
    return sorted(found, key=lambda item: item.node)


def _texts(command: str, texts: Texts) -> dict[str, bytes]:
    return {stream: texts.get((command, stream), b"") for stream in ("stdout", "stderr")}


def _item(node: str, state: State, body: Mapping[str, Any], texts: Mapping[str, bytes]) -> NodeResult:
    return NodeResult(
        node=node,
        status=state,
        reason=_line(body.get("reason", "")),
        exit_code=body.get("exit_code"),
        signal=body.get("signal"),
        stdout=_shown("stdout", texts["stdout"], body),
        stderr=_shown("stderr", texts["stderr"], body),
        gaps=[OutputGap(stream=stream, start=start, end=end) for stream, start, end in body.get("gaps", ())],
        left=[_line(each) for each in body.get("left", ())],
        survivors=[_line(each) for each in body.get("survivors", ())],
        started_at=stamp(body["started_at"]) if body.get("started_at") else "",
        duration=body.get("duration"),
    )


def _line(text: object) -> str:
    """A node's words in one line that is harmless to show: it may be somebody else's by now."""
    return " ".join(safe(str(text)).split())


def _shown(stream: str, data: bytes, body: Mapping[str, Any]) -> str:
    """The text; where there is more of it, how much and its hash, so that folding still tells it apart."""
    text = safe(data)
    more = int(body.get(f"{stream}_length", 0)) - len(data)
    if more <= 0:
        return text
    return f"{text}\n[{more} more bytes; sha256 {body.get(f'{stream}_sha256', '')[:16]}]\n"
