"""Whether a node that reports an old end may be told to delete it. Pure; the log is looked up elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from devopsclaw.fleet.progress import NEVER_STARTED
from devopsclaw.model.headers import Report


def is_taken(report: Report, ended: Iterable[Mapping[str, Any]]) -> bool:
    """Whether nothing is lost with this report: one of the ends on record came with the very same, or
    nothing ever ran.
    """
    if report.status in NEVER_STARTED:
        return True
    taken = [Report.model_validate(body["report"]) for body in ended if body.get("report")]
    return _unsigned(report) in map(_unsigned, taken)


def _unsigned(report: Report) -> Report:
    return report.model_copy(update={"signature": ""})
