"""How long the command line takes from its start to its end, beside Python doing nothing."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

from tests.bench import place
from tests.bench.measure import Bar, Judged, Line, Run, interleaved, milliseconds, timed

BARE = "python3 -c pass"
BARS = {
    "version": (["version"], 3.0),
    "--help": (["--help"], 8.0),
    "node list": (["node", "list"], 8.0),
    "status": (["status"], 8.0),
    "run uptime on local": (["run", "uptime"], None),
}
EMBEDDED = "opens a core of its own; the bar is for a command that finds one running"


async def measure(quick: bool) -> list[Line]:
    """One line for each command."""
    with place.temporary() as home:
        await place.run(place.product("onboard", "--no-input"), home)
        contenders: dict[str, Run] = {BARE: partial(_once, [sys.executable, "-c", "pass"], home)}
        contenders |= {name: partial(_once, place.product(*words), home) for name, (words, _) in BARS.items()}
        taken = await interleaved(contenders, rounds=5 if quick else 15)
    return [_line(name, limit, taken) for name, (_, limit) in BARS.items()]


async def _once(argv: list[str], home: Path) -> float:
    return await timed(partial(place.run, argv, home))


def _line(name: str, limit: float | None, taken: dict[str, list[float]]) -> Line:
    return Line(
        f"start: {name}",
        "ms",
        milliseconds(taken[name]),
        milliseconds(taken[BARE]),
        BARE,
        Bar(Judged.TIMES, at_most=limit) if limit else None,
        EMBEDDED if name in ("node list", "status") else "",
    )
