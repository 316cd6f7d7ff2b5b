"""When commands ended: as their nodes report it, not when somebody heard of it. Pure; not how they ended."""

from __future__ import annotations

from collections.abc import Iterable

from devopsclaw.core.runs import RunEvent
from devopsclaw.model.headers import Report
from devopsclaw.model.state import State


def end_of(state: State, report: Report | None, sent_at: float, told_at: float) -> float:
    """Wall time at which a command ended that was sent and told of at these times; 0 where nobody knows.

    The node's clock may be wrong. So it is believed only between what our own clock says: the command was
    not begun before it was sent, and had ended when that was told.
    """
    if state is State.UNKNOWN:
        return 0.0
    if report is None:
        return told_at
    return min(max(report.started_at, sent_at) + report.duration, told_at)


def last_end(events: Iterable[RunEvent]) -> float:
    """Wall time of the last end that a run's log knows, 0 without one.

    What was never sent does not count: it was settled by whoever looked, and took no time.
    """
    sent: dict[str | None, float] = {}
    last = 0.0
    for event in events:
        if event.kind == "sent":
            sent[event.node] = event.body["not_before"]
        elif event.kind == "ended" and event.node in sent:
            told = event.body.get("report")
            report = Report.model_validate(told) if told else None
            last = max(last, end_of(State(event.body["status"]), report, sent[event.node], event.at))
    return last
