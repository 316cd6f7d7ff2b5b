"""The lines as a table for people, and as JSON for whoever compares runs."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from statistics import median
from typing import Any

from tests.bench.measure import Judged, Line

HEADINGS = ("what", "ours", "beside", "", "figure", "bar", "verdict")


def table(lines: Sequence[Line]) -> str:
    """Columns of text; the median, and in brackets the range of the rounds."""
    rows = [HEADINGS, *(_row(line) for line in lines)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    drawn = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    notes = [f"  {line.what}: {line.note}" for line in lines if line.note]
    missed = [line.what for line in lines if line.verdict == "missed"]
    judged = sum(bool(line.verdict) for line in lines)
    closing = f"{judged - len(missed)} of {judged} bars hold"
    if missed:
        closing += f"; missed: {', '.join(missed)}"
    return "\n".join([row.rstrip() for row in drawn] + ["", *notes, closing])


def as_json(lines: Sequence[Line], quick: bool, seconds: float) -> dict[str, Any]:
    """Everything that was measured, every round."""
    return {
        "schema": "devopsclaw.bench/1",
        "machine": {"python": platform.python_version(), "system": platform.platform()},
        "quick": quick,
        "seconds": round(seconds, 1),
        "items": [_item(line) for line in lines],
    }


def _item(line: Line) -> dict[str, Any]:
    return {
        "what": line.what,
        "unit": line.unit,
        "ours": line.ours,
        "beside": line.beside,
        "peer": line.peer,
        "judged": line.judged.value,
        "figure": line.figure,
        "bar": line.bar.text if line.bar else None,
        "verdict": line.verdict or None,
        "note": line.note,
    }


def _row(line: Line) -> tuple[str, ...]:
    beside = _values(line.beside, line.unit) if line.beside else ""
    figure = _number(line.figure) + (" x" if line.judged in (Judged.TIMES, Judged.FASTER) else "")
    bar = line.bar.text if line.bar else ""
    return (line.what, _values(line.ours, line.unit), beside, line.peer, figure, bar, line.verdict)


def _values(values: list[float], unit: str) -> str:
    if len(values) == 1:
        return f"{_number(values[0])} {unit}"
    return f"{_number(median(values))} {unit} ({_number(min(values))}–{_number(max(values))})"


def _number(value: float) -> str:
    """Three digits that mean something, thousands apart."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
