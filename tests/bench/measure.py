"""What a measurement gives, and how contenders are timed fairly: interleaved rounds, the median of each.

Nothing here knows what is measured. Times are in seconds, sizes in the unit that the line names.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from statistics import median

Run = Callable[[], Awaitable[float]]
"""One round of one contender; what it cost."""


class Judged(StrEnum):
    """Which figure the bar is about."""

    TIMES = "ours / beside"
    FASTER = "beside / ours"
    OVER = "ours - beside"
    ITSELF = "ours"


@dataclass(frozen=True, slots=True)
class Bar:
    """A budget of design §13: the figure, and its limit on one side."""

    judged: Judged
    at_most: float | None = None
    at_least: float | None = None

    @property
    def text(self) -> str:
        """As `≤ 3` or `≥ 4`."""
        limit = f"≤ {self.at_most:,g}" if self.at_most is not None else f"≥ {self.at_least:,g}"
        return limit + {Judged.TIMES: " x", Judged.FASTER: " x", Judged.OVER: " over"}.get(self.judged, "")

    def holds(self, figure: float) -> bool:
        """Whether the figure is within the limit."""
        if self.at_most is not None and figure > self.at_most:
            return False
        return self.at_least is None or figure >= self.at_least


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table. `ours` and `beside` are all rounds, in `unit`; `peer` names what is beside."""

    what: str
    unit: str
    ours: list[float]
    beside: list[float] = field(default_factory=list)
    peer: str = ""
    bar: Bar | None = None
    note: str = ""

    @property
    def median(self) -> float:
        """Ours."""
        return median(self.ours)

    @property
    def peer_median(self) -> float | None:
        """The peer's; None where nothing stands beside."""
        return median(self.beside) if self.beside else None

    @property
    def judged(self) -> Judged:
        """What the bar is about; without one, the ratio where there is a peer."""
        if self.bar is not None:
            return self.bar.judged
        return Judged.TIMES if self.beside else Judged.ITSELF

    @property
    def figure(self) -> float:
        """The figure that is judged, of medians. Raises ValueError where its peer was not measured."""
        if self.judged is Judged.ITSELF:
            return self.median
        peer = self.peer_median
        if peer is None:
            raise ValueError(f"{self.what} is judged beside a peer that was not measured")
        if self.judged is Judged.OVER:
            return self.median - peer
        return self.median / peer if self.judged is Judged.TIMES else peer / self.median

    @property
    def verdict(self) -> str:
        """`ok`, `missed`, or nothing where there is no bar."""
        if self.bar is None:
            return ""
        return "ok" if self.bar.holds(self.figure) else "missed"


async def timed(work: Callable[[], Awaitable[object]]) -> float:
    """Seconds of wall time that the work took."""
    begun = time.perf_counter()
    await work()
    return time.perf_counter() - begun


async def interleaved(contenders: Mapping[str, Run], rounds: int, warm: int = 1) -> dict[str, list[float]]:
    """Every contender once in each round, so that whatever else the machine does hits all alike.

    The first `warm` rounds are not counted; the order turns round in every other round.
    """
    taken: dict[str, list[float]] = {name: [] for name in contenders}
    for number in range(-warm, rounds):
        names = list(contenders)[:: 1 if number % 2 else -1]
        for name in names:
            cost = await contenders[name]()
            if number >= 0:
                taken[name].append(cost)
    return taken


def slope(points: list[tuple[float, float]]) -> float:
    """How much y grows for each x: least squares. Raises ValueError for fewer than two places on x."""
    if len({x for x, _ in points}) < 2:
        raise ValueError("a slope needs two places")
    middle_x = sum(x for x, _ in points) / len(points)
    middle_y = sum(y for _, y in points) / len(points)
    spread = sum((x - middle_x) ** 2 for x, _ in points)
    return sum((x - middle_x) * (y - middle_y) for x, y in points) / spread


def milliseconds(seconds: list[float]) -> list[float]:
    """The same in milliseconds."""
    return [1000 * each for each in seconds]
