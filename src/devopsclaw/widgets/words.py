"""Numbers with their nouns, and ages, as people read them. Pure."""

from __future__ import annotations

from datetime import UTC, datetime

BY_THE_SECOND = 30
"""Seconds: a time that ends within them is shown by the second."""


def many(count: int, noun: str) -> str:
    """`1 node`, `2 nodes`."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def age(seconds: float) -> str:
    """A rounded age, coarse on purpose: each change of it is bytes on the wire."""
    whole = max(int(seconds), 0)
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if whole >= length:
            return f"{whole // length}{unit}"
    return f"{whole // 10 * 10}s" if whole >= 10 else f"{whole}s"


def left(seconds: float) -> str:
    """A remaining time as `9:40`: in steps of ten seconds, and by the second in the last thirty."""
    whole = max(int(seconds), 0)
    shown = whole if whole <= BY_THE_SECOND else whole // 10 * 10
    return f"{shown // 60}:{shown % 60:02}"


def until_another(seconds: float) -> float:
    """Seconds until `left` says something else; half a second at least."""
    step = 10 if seconds > BY_THE_SECOND else 1
    return max(seconds % step + 0.05, 0.5) if seconds > 0 else 1.0


def clock(wall: float) -> str:
    """Wall time as `03:13:20Z`."""
    return f"{datetime.fromtimestamp(wall, UTC):%H:%M:%SZ}"
