"""Time as a service, so that no test sleeps. Not a timer wheel: waiting is asyncio's business."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Both hands of time, in seconds."""

    def wall(self) -> float:
        """Seconds since 1970, UTC; may jump."""
        ...

    def steady(self) -> float:
        """Seconds that only grow, from an arbitrary zero."""
        ...


class SystemClock:
    """The machine's own clock."""

    def wall(self) -> float:
        """See `Clock.wall`."""
        return time.time()

    def steady(self) -> float:
        """See `Clock.steady`."""
        return time.monotonic()


@dataclass
class ManualClock:
    """A clock that moves only when told to; `now` is both hands."""

    now: float = 1_800_000_000.0

    def wall(self) -> float:
        """See `Clock.wall`."""
        return self.now

    def steady(self) -> float:
        """See `Clock.steady`."""
        return self.now

    def advance(self, seconds: float) -> None:
        """Move both hands forward."""
        self.now += seconds


def stamp(wall: float) -> str:
    """RFC 3339 in UTC with milliseconds, as in JSON and audit entries."""
    moment = datetime.fromtimestamp(wall, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
