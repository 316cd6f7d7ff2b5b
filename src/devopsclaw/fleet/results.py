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
"""What an event means for its node; `ended` and `settled` carry their own word."""

Texts = Mapping[tuple[str, str], bytes]
"""The first `SHOWN` bytes of (command, stream); a stream without output is missing."""


def state_after(kind: str, body: Mapping[str, Any], before: State) -> State:
    """Where a node stands after this event."""
    return State(body["status"]) if kind in ("ended", "settled") else MOVES.get(kind, before)


def states_of(run: Run, events: Iterable[RunEvent]) -> dict[str, State]:
    """Where each node of the run stands, in the order of the plan; as a person settled it, where one did."""
    states = {part.node: State.PENDING for part in run.nodes}
    settled: set[str] = set()
    for event in events:
        if event.node is None or event.node in settled:
            continue
        states[event.node] = state_after(event.kind, event.body, states[event.node])
        if event.kind == "settled":
            settled.add(event.node)
    return states


def settled_by(events: Iterable[RunEvent]) -> dict[str, str]:
    """The nodes whose part a person settled, and who."""
    return {event.node: event.body["by"] for event in events if event.node and event.kind == "settled"}


def last_words(events: Iterable[RunEvent]) -> dict[str, dict[str, Any]]:
    """The last event of each node that tells how it ended, or why that is not known: the node's report,
    with the status and reason that delivery gave it. What a person settled stays as they said; what the node
    says after that stands beside it.
    """
    words: dict[str, dict[str, Any]] = {}
    for event in events:
        if event.node is None or event.kind not in ("ended", "unknown", "damaged", "settled"):
            continue
        before = words.get(event.node, {})
        if event.kind == "settled":
            words[event.node] = {**before, **_settled(event.body)}
        elif "by" in before:
            words[event.node] = {**before, "reason": f"{before['said']}; {later_word(event.body)}"}
        else:
            words[event.node] = {**event.body.get("report", {}), **event.body}
    return words


def later_word(body: Mapping[str, Any]) -> str:
    """As `the node said later: failed, exit 1`."""
    code = body.get("report", {}).get("exit_code")
    exit_word = "" if code is None else f", exit {code}"
    return f"the node said later: {body.get('status', 'unknown')}{exit_word}"


def _settled(body: Mapping[str, Any]) -> dict[str, Any]:
    """A person's word: no exit code and no signal, for nobody knows them."""
    said = f"settled by {body['by']}: {body['reason']}"
    return {**body, "reason": said, "said": said, "exit_code": None, "signal": None}


def heard(run: Run, events: Iterable[RunEvent]) -> dict[str, float]:
    """The nodes that may still tell more, and when each last said where its part stands: wall time of that
    word, 0 for one that never answered. What it printed is not counted.
    """
    last = dict.fromkeys((part.node for part in run.nodes), 0.0)
    for event in events:
        if event.node and event.kind in ("accepted", "gap"):
            last[event.node] = event.at
        elif event.node and event.kind in ("ended", "damaged", "settled"):
            last.pop(event.node, None)
    return last


def items_of(run: Run, events: list[RunEvent], texts: Texts) -> list[NodeResult]:
    """The nodes' results, by name."""
    states, words, told = states_of(run, events), last_words(events), heard(run, events)
    found = [
        _item(
            (part.node, states[part.node], told.get(part.node, 0.0)),
            words.get(part.node, {}),
            _texts(part.command, texts),
        )
        for part in run.nodes
    ]
    return sorted(found, key=lambda item: item.node)


def _texts(command: str, texts: Texts) -> dict[str, bytes]:
    return {stream: texts.get((command, stream), b"") for stream in ("stdout", "stderr")}


def _item(
    standing: tuple[str, State, float], body: Mapping[str, Any], texts: Mapping[str, bytes]
) -> NodeResult:
    node, state, heard_at = standing
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
        last_heard=stamp(heard_at) if heard_at else "",
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
